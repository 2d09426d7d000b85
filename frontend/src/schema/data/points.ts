import type { Schemas } from "@/shared/api/types";
import { text, toNumber } from "../lib/format";
import { at, type Values } from "../lib/path";

export type Aggregate = "count" | "sum" | "avg" | "min" | "max";
type Series = Schemas["Series"];

export const MOST_POINTS = 1_000;

/** One number of many documents; null where none of them has one. */
export function aggregate(
  items: readonly Values[],
  how: Aggregate,
  field: string | null | undefined,
): number | null {
  if (how === "count" && !field) return items.length;
  const numbers = items.flatMap((item) => toNumber(at(item, field ?? "")) ?? []);
  if (how === "count") return numbers.length;
  if (!numbers.length) return how === "sum" ? 0 : null;
  switch (how) {
    case "sum":
      return sum(numbers);
    case "avg":
      return sum(numbers) / numbers.length;
    case "min":
      return numbers.reduce((least, one) => Math.min(least, one));
    case "max":
      return numbers.reduce((most, one) => Math.max(most, one));
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

export type Point = { x: string } & Record<string, string | number | null>;

/** The points of a chart: one per document, or one per `x` where they are aggregated. */
export function points(
  items: readonly Values[],
  x: string,
  series: readonly Series[],
  how: Aggregate | null | undefined,
): Point[] {
  if (!how) return items.slice(0, MOST_POINTS).map((item) => point(text(at(item, x)), series, [item], null));
  const groups = new Map<string, Values[]>();
  for (const item of items) {
    const name = text(at(item, x));
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return [...groups].slice(0, MOST_POINTS).map(([name, group]) => point(name, series, group, how));
}

/** What a chart without series counts. */
export const COUNT: Series = { id: "count", label: "Count" };

function point(x: string, series: readonly Series[], items: readonly Values[], how: Aggregate | null): Point {
  const made: Point = { x };
  series.forEach((one, index) => {
    const counted = one === COUNT ? items.length : aggregate(items, how ?? "sum", one.id);
    made[`s${index}`] =
      one !== COUNT && how === null && toNumber(at(items[0], one.id)) === null ? null : counted;
  });
  return made;
}
