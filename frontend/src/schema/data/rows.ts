import { at, hasValue, isObject } from "../lib/path";
import type { Filter, Item } from "./collections";

/** Sorting, searching and filtering of rows that are all here, as the database does it for those that are not. */

export interface Sorting {
  id: string;
  desc: boolean;
}

/** `-start,name` → its keys. */
export function readSort(text: string | null | undefined): Sorting[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part.replace(/^[-\s]+/, "") !== "")
    .map((part) => ({ id: part.replace(/^-\s*/, ""), desc: part.startsWith("-") }));
}

export function writeSort(sorting: Sorting | null): string | undefined {
  return sorting ? `${sorting.desc ? "-" : ""}${sorting.id}` : undefined;
}

export function sorted(items: readonly Item[], sorting: Sorting | null): readonly Item[] {
  if (!sorting) return items;
  const sign = sorting.desc ? -1 : 1;
  // Keys are worked out once and not in each of the hundred thousand comparisons.
  const keyed = items.map((item) => ({ item, ...keyOf(at(item, sorting.id)) }));
  keyed.sort((a, b) => {
    if (a.rank !== b.rank) return sign * (a.rank - b.rank);
    if (a.key !== b.key && (a.key as number) < (b.key as number)) return -sign;
    return a.key === b.key ? a.item._id - b.item._id : sign;
  });
  return keyed.map(({ item }) => item);
}

/** Nothing first, then numbers, texts, the rest, false, true: as MongoDB has it. */
function keyOf(value: unknown): { rank: number; key: number | string } {
  if (value === undefined || value === null) return { rank: 0, key: 0 };
  if (typeof value === "number") return { rank: 1, key: value };
  if (typeof value === "string") return { rank: 2, key: value };
  if (typeof value === "boolean") return { rank: 4, key: value ? 1 : 0 };
  return { rank: 3, key: JSON.stringify(value) };
}

export function matching(
  items: readonly Item[],
  search: string,
  filters: readonly Filter[],
): readonly Item[] {
  const wanted = search.trim().toLowerCase();
  if (!wanted && !filters.length) return items;
  return items.filter(
    (item) => (!wanted || haystack(item).includes(wanted)) && filters.every((one) => passes(item, one)),
  );
}

const haystacks = new WeakMap<Item, string>();

/** Every text and number of a document, in small letters, worked out once. */
function haystack(item: Item): string {
  let text = haystacks.get(item);
  if (text === undefined) {
    const parts: string[] = [];
    for (const [key, value] of Object.entries(item)) if (key !== "_id") collect(value, parts);
    text = parts.join("\n").toLowerCase();
    haystacks.set(item, text);
  }
  return text;
}

function collect(value: unknown, parts: string[]): void {
  if (typeof value === "string" || typeof value === "number") parts.push(String(value));
  else if (Array.isArray(value)) for (const one of value) collect(one, parts);
  else if (isObject(value)) for (const one of Object.values(value)) collect(one, parts);
}

function passes(item: Item, { field, op, value }: Filter): boolean {
  const found = at(item, field);
  if (op === "contains")
    return hasValue(found) && String(found).toLowerCase().includes(String(value).toLowerCase());
  return Array.isArray(found) ? found.includes(value) : (found ?? null) === value;
}
