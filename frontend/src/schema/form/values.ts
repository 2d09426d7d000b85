import type { Fault } from "@/shared/api/problem";
import type { FormField } from "@/shared/api/types";
import { hasValue, type Values } from "../lib/path";
import { type Errors, isShown } from "./validate";

/** What a form opens with: the given values, else each field's default. */
export function initialValues(fields: readonly FormField[], given: Values = {}): Values {
  const values: Values = {};
  for (const field of fields) {
    if (field.type === "invalid" || field.type === "info") continue;
    const value = given[field.id] !== undefined ? given[field.id] : field.default;
    if (value !== undefined && value !== null) values[field.id] = value;
    else if (field.type === "boolean") values[field.id] = false;
  }
  return values;
}

/** Every field at its default, whatever was given. */
export const defaultValues = (fields: readonly FormField[]): Values => initialValues(fields);

const TEXTS: ReadonlySet<string> = new Set(["string", "text", "url", "email"]);

/**
 * What is sent: shown fields only; an empty text is "", anything else that was never set is absent, and
 * what was emptied is null, so that a plugin can tell the two apart.
 */
export function submitted(fields: readonly FormField[], values: Values, before: Values = {}): Values {
  const sent: Values = {};
  for (const field of fields) {
    if (field.type === "invalid" || field.type === "info" || !isShown(field, values)) continue;
    const value = values[field.id];
    if (hasValue(value) || Array.isArray(value)) sent[field.id] = value;
    else if (TEXTS.has(field.type)) sent[field.id] = "";
    else if (hasValue(before[field.id])) sent[field.id] = null;
  }
  return sent;
}

/** The server's faults by field; those that no field has are told above the buttons. */
export function placed(
  fields: readonly FormField[],
  faults: readonly Fault[],
): { errors: Errors; others: string[] } {
  const errors: Record<string, string> = {};
  const others: string[] = [];
  for (const { path, message } of faults) {
    const plain = path.replace(/^(params|settings)\./, "");
    const known = fields.some(
      ({ id }) => plain === id || plain.startsWith(`${id}[`) || plain.startsWith(`${id}.`),
    );
    if (known) errors[plain] ??= message;
    else others.push(plain ? `${plain}: ${message}` : message);
  }
  return { errors, others };
}
