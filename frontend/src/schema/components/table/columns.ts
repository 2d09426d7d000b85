import { useMemo } from "react";
import type { Item } from "../../data/collections";
import type { Column } from "../../types";

const LOOK_AT = 20;
const MOST_COLUMNS = 30;

/** The columns that the author names, else every key of the first documents. */
export function useColumns(
  given: Column[] | undefined,
  items: readonly Item[] | undefined,
): readonly Column[] {
  return useMemo(() => {
    if (given?.length) return given;
    const keys = new Set((items ?? []).slice(0, LOOK_AT).flatMap((item) => Object.keys(item)));
    keys.delete("_id");
    return [...keys].slice(0, MOST_COLUMNS).map((id) => ({ id, label: titled(id), sortable: true }));
  }, [given, items]);
}

/** `last_synced` → `Last synced`. */
export function titled(key: string): string {
  const words = key.replace(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
