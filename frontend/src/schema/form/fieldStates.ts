import { useMemo } from "react";
import type { FormField } from "@/shared/api/types";
import { useSources } from "../data/collections";
import { type Condition, holds, sourcesOf } from "../lib/conditions";
import type { Values } from "../lib/path";

/** Which fields are shown and which can be changed, by their conditions. */
export function useFieldStates(fields: readonly FormField[], values: Values, pluginKey: string | undefined) {
  const names = useMemo(
    () => [
      ...new Set(
        fields.flatMap((field) => [
          ...sourcesOf(of(field, "visible_if")),
          ...sourcesOf(of(field, "disabled_if")),
        ]),
      ),
    ],
    [fields],
  );
  const sources = useSources(pluginKey ?? "", names);
  const byId = useMemo(() => new Map(fields.map((field) => [field.id, field])), [fields]);
  const decide = (id: string, key: "visible_if" | "disabled_if"): boolean | undefined => {
    const field = byId.get(id);
    const condition = field && of(field, key);
    return condition ? holds(condition, values, sources) : undefined;
  };
  return {
    names,
    shown: (id: string) => {
      const field = byId.get(id);
      return !field || !of(field, "visible_if") || decide(id, "visible_if") === true;
    },
    disabled: (id: string) => decide(id, "disabled_if") === true,
  };
}

function of(field: FormField, key: "visible_if" | "disabled_if"): Condition | null | undefined {
  return field.type === "invalid" ? undefined : field[key];
}
