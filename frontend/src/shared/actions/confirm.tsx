import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import type { ReactNode } from "react";
import type { Confirm } from "../api/types";

export interface Question {
  title: string;
  message?: ReactNode;
  confirmLabel?: string;
  color?: string;
}

/** Ask before something is done; false where the answer is no, or none. */
export function ask({ title, message, confirmLabel = "Confirm", color }: Question): Promise<boolean> {
  return new Promise((resolve) => {
    modals.openConfirmModal({
      title,
      centered: true,
      children: typeof message === "string" ? <Text size="sm">{message}</Text> : message,
      labels: { confirm: confirmLabel, cancel: "Cancel" },
      confirmProps: { color, "data-autofocus": true },
      onConfirm: () => resolve(true),
      onCancel: () => resolve(false),
      onClose: () => resolve(false),
    });
  });
}

/** What a schema's `confirm` asks: nothing, a plain question, or the author's own words. */
export function questionOf(confirm: boolean | Confirm | null | undefined, label: string): Question | null {
  if (!confirm) return null;
  if (confirm === true) return { title: label, message: `Run “${label}”?`, confirmLabel: label };
  if (confirm.required === false) return null;
  return {
    title: confirm.title || label,
    message: confirm.message || `Run “${label}”?`,
    confirmLabel: label,
  };
}
