import type { FormField } from "@/shared/api/types";
import type { Errors } from "../form/validate";

export type FieldType = FormField["type"];
export type FieldOf<T extends FieldType> = Extract<FormField, { type: T }>;

export interface FieldProps<T extends FieldType> {
  field: FieldOf<T>;
  value: unknown;
  onChange: (value: unknown) => void;
  error?: string | undefined;
  disabled?: boolean | undefined;
  pluginKey?: string | undefined;
  /** In a cell of a table field: the column's head is the label. */
  bare?: boolean | undefined;
  /** Errors below this field, by their path from the form. */
  errors?: Errors | undefined;
  /** In a form of a page, a `text` without `rows` is one line that Enter submits. */
  oneLine?: boolean | undefined;
}
