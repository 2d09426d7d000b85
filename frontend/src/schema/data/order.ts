import { at } from "../lib/path";
import type { Item } from "./collections";

export const MOST_ORDERED = 1_000;

/** By the order field; what has none stands last, in the order in which it was added. */
export function inOrder(items: readonly Item[], field: string): Item[] {
  const place = (item: Item) => {
    const value = at(item, field);
    return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
  };
  return [...items].sort((a, b) => {
    const [left, right] = [place(a), place(b)];
    return left === right ? a._id - b._id : left - right;
  });
}

export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const next = [...list];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}

/** Exactly what the specification promises to `on_reorder`. */
export function reorderParams(items: readonly Item[], from: number, to: number) {
  const after = moved(items, from, to);
  return {
    items: after.map((item, index) => ({ _id: item._id, order: index })),
    moved_item_id: items[from]?._id,
    from_index: from,
    to_index: to,
  };
}

export interface Place {
  id: number;
  order: number;
}

/** Who has to be written when the platform writes the order itself: only those whose place changed. */
export function changes(items: readonly Item[], field: string): Place[] {
  return items.flatMap((item, order) => (at(item, field) === order ? [] : [{ id: item._id, order }]));
}

export function places(items: readonly Item[]): Place[] {
  return items.map((item, order) => ({ id: item._id, order }));
}
