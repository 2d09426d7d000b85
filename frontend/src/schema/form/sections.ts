import type { FormField } from "@/shared/api/types";

export interface Section {
  /** Null: the fields before the first section. */
  id: string | null;
  label: string;
  description: string | undefined;
  fields: FormField[];
}

/** An `info` field whose id begins with `_section` opens a section that lasts to the next one. */
export function sections(fields: readonly FormField[]): Section[] {
  const found: Section[] = [{ id: null, label: "", description: undefined, fields: [] }];
  for (const field of fields) {
    if (field.type === "info" && field.id.startsWith("_section")) {
      const description = field.description || field.help_text || textOf(field.value);
      found.push({ id: field.id, label: field.label || field.id, description, fields: [] });
    } else {
      found.at(-1)?.fields.push(field);
    }
  }
  return found.filter((section) => section.id !== null || section.fields.length > 0);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
