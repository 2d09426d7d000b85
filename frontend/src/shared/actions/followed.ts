import { useSyncExternalStore } from "react";
import type { Ended } from "./outcome";

/** A run that somebody here asked for and whose end is still to be told, whatever page is open by then. */
export interface Followed {
  runId: string;
  plugin: string;
  label: string;
  /** Its end is told to nobody but who waits for it. */
  silent?: boolean | undefined;
}

/** There is no such run any more, or it is somebody else's. */
export const UNKNOWN: Ended = {
  outcome: "other",
  message: "How the run ended is not known.",
  result: undefined,
  runId: undefined,
};

const KEY = "plugarr.followed";
const waiting = new Map<string, (ended: Ended) => void>();
const listeners = new Set<() => void>();
let followed: readonly Followed[] = read();

/** Resolves when the run has ended; `FollowedRuns` looks after it. */
export function follow(run: Followed): Promise<Ended> {
  change([...followed.filter((other) => other.runId !== run.runId), run]);
  return new Promise((resolve) => waiting.set(run.runId, resolve));
}

/** The run ended, or nobody will ever know how. */
export function settle(runId: string, ended: Ended = UNKNOWN): void {
  change(followed.filter((run) => run.runId !== runId));
  waiting.get(runId)?.(ended);
  waiting.delete(runId);
}

/** What the last user started is nothing for the next. */
export function forgetAll(): void {
  for (const { runId } of followed) settle(runId);
}

export function useFollowed(): readonly Followed[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => followed,
  );
}

function change(next: readonly Followed[]): void {
  followed = next;
  sessionStorage.setItem(KEY, JSON.stringify(next));
  for (const listener of [...listeners]) listener();
}

function read(): Followed[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? (stored as Followed[]).slice(0, 50) : [];
  } catch {
    return [];
  }
}
