import type { FormField } from "@/shared/api/types";
import { holds } from "../lib/conditions";
import { FORMATS } from "../lib/formats";
import { hasValue, isObject, type Values } from "../lib/path";

/** Errors by path: `name`, `rows[2].url`. */
export type Errors = Readonly<Record<string, string>>;

export const MASK = "********";
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * What is wrong with the values, in the words of the gateway, which checks them again. A value that equals
 * its field's default is always right, and so is a password that is not shown.
 */
export function validate(fields: readonly FormField[], values: Values): Errors {
  const errors: Record<string, string> = {};
  for (const field of fields) {
    if (isShown(field, values)) check(field, values[field.id], field.id, errors);
  }
  return errors;
}

/** Whether the form shows the field with these values; where a collection decides that, the drawn form does. */
export function isShown(field: FormField, values: Values): boolean {
  if (field.type === "invalid" || !field.visible_if) return true;
  return holds(field.visible_if, values) !== false;
}

function check(field: FormField, value: unknown, path: string, errors: Record<string, string>): void {
  if (field.type === "invalid" || field.type === "info") return;
  if (!hasValue(value)) {
    if (field.required) errors[path] = "is required";
    return;
  }
  if (value === field.default || (field.input_type === "password" && value === MASK)) return;
  if (field.type === "table") {
    checkRows(field, value, path, errors);
    return;
  }
  const problem = problemOf(field, value);
  if (problem) errors[path] = problem;
}

type Simple = Exclude<FormField, { type: "invalid" } | { type: "info" } | { type: "table" }>;

function problemOf(field: Simple, value: unknown): string | null {
  switch (field.type) {
    case "boolean":
      return typeof value === "boolean" ? null : "must be true or false";
    case "number":
      return numberProblem(field, value);
    case "select":
    case "multiselect":
      return null; // Only options can be chosen.
    case "file":
      return fileProblem(field.max_size ?? MAX_FILE_BYTES, value);
    default: {
      if (typeof value !== "string") return "must be text";
      const longest = "max_length" in field ? field.max_length : undefined;
      const length = [...value].length;
      if (longest !== undefined && longest !== null && length > longest) {
        return `must have at most ${longest} characters, not ${length}`;
      }
      return FORMATS[field.type]?.(value) ?? null;
    }
  }
}

function numberProblem(field: Extract<FormField, { type: "number" }>, value: unknown): string | null {
  if (typeof value !== "number") return "must be a number";
  if (!Number.isFinite(value)) return "must be a finite number";
  if (isNumber(field.min) && value < field.min) return `must be at least ${field.min}`;
  if (isNumber(field.max) && value > field.max) return `must be at most ${field.max}`;
  if (isNumber(field.step) && field.step > 0) {
    const steps = (value - (field.min ?? 0)) / field.step;
    if (Math.abs(steps - Math.round(steps)) > 1e-9 * Math.max(1, Math.abs(steps))) {
      return `must be a multiple of ${field.step}${field.min ? ` from ${field.min}` : ""}`;
    }
  }
  return null;
}

function fileProblem(most: number, value: unknown): string | null {
  if (!isObject(value) || typeof value.size !== "number") return "must be a file";
  return value.size > Math.min(most, MAX_FILE_BYTES) ? `must be at most ${most} bytes` : null;
}

function checkRows(
  field: Extract<FormField, { type: "table" }>,
  value: unknown,
  path: string,
  errors: Record<string, string>,
): void {
  if (!Array.isArray(value)) {
    errors[path] = "must be a list of rows";
    return;
  }
  if (isNumber(field.min_rows) && value.length < field.min_rows) {
    errors[path] = `must have at least ${field.min_rows} rows`;
  } else if (isNumber(field.max_rows) && value.length > field.max_rows) {
    errors[path] = `must have at most ${field.max_rows} rows`;
  }
  value.forEach((row, index) => {
    for (const column of field.columns ?? []) {
      check(column, isObject(row) ? row[column.id] : undefined, `${path}[${index}].${column.id}`, errors);
    }
  });
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

/** The sentence that is shown below a field: `is required` → `Is required`. */
export function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1);
}
