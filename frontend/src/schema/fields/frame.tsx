import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { FormField } from "@/shared/api/types";
import { sentence } from "../form/validate";

type Known = Exclude<FormField, { type: "invalid" }>;

/** What every input of Mantine's takes: label, description, help below it, the error. */
export function framed(field: Known, error: string | undefined, bare: boolean | undefined) {
  const help = field.help_text;
  return {
    name: field.id,
    error: error ? sentence(error) : undefined,
    ...(bare
      ? { "aria-label": field.label }
      : {
          label: field.label,
          description: field.description || undefined,
          withAsterisk: field.required === true,
          inputContainer: (children: ReactNode) => (
            <>
              {children}
              {help && <Help>{help}</Help>}
            </>
          ),
        }),
    "aria-required": field.required === true || undefined,
  };
}

export function Help({ children }: { children: ReactNode }) {
  return (
    <Text size="xs" c="dimmed" mt={4} style={{ whiteSpace: "pre-line" }}>
      {children}
    </Text>
  );
}

export const textOf = (value: unknown): string =>
  value === undefined || value === null
    ? ""
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);
