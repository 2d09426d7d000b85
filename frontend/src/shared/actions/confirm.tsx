import { lazy, type ReactNode, Suspense, useSyncExternalStore } from "react";
import type { Confirm } from "../api/types";

export interface Question {
  title: string;
  message?: ReactNode;
  confirmLabel?: string;
  color?: string;
}

export interface Asked extends Question {
  id: number;
  answer: (yes: boolean) => void;
}

const listeners = new Set<() => void>();
let asked: Asked | null = null;
let count = 0;

/** Ask before something is done; false where the answer is no, or none. */
export function ask(question: Question): Promise<boolean> {
  asked?.answer(false);
  return new Promise((resolve) => {
    count += 1;
    const answer = (yes: boolean) => {
      resolve(yes);
      if (asked === mine) change(null);
    };
    const mine: Asked = { ...question, id: count, answer };
    change(mine);
  });
}

/** What a schema's `confirm` asks: nothing, a plain question, or the author's own words. */
export function questionOf(
  confirm: boolean | Confirm | null | undefined,
  label: string,
  color?: string,
): Question | null {
  if (!confirm) return null;
  const plain = { title: label, message: `Run “${label}”?`, confirmLabel: label, color };
  if (confirm === true) return plain;
  if (confirm.required === false) return null;
  return { ...plain, title: confirm.title || plain.title, message: confirm.message || plain.message };
}

// Its dialog comes with the first question: most visits ask none.
const ConfirmDialog = lazy(() => import("./ConfirmDialog"));

/** Draws what `ask` asks; once in the whole UI. */
export function ConfirmHost() {
  const question = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => asked,
  );
  return question && <Suspense>{<ConfirmDialog key={question.id} {...question} />}</Suspense>;
}

function change(next: Asked | null): void {
  asked = next;
  for (const listener of [...listeners]) listener();
}
