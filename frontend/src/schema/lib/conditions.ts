import type { Schemas } from "@/shared/api/types";
import { at, hasValue } from "./path";

export type Condition = Schemas["Condition"];

/** What a collection says to a condition: its first document, and how many there are. */
export interface Source {
  first: Record<string, unknown> | undefined;
  total: number;
}

type Sources = (name: string) => Source | undefined;

/**
 * Whether a condition holds for these values, as `shared/contracts/ui/conditions.py` decides it (both by
 * `tests/fixtures/conditions.json`); undefined while a collection that it asks is not known.
 */
export function holds(
  condition: Condition,
  values: unknown,
  sources: Sources = unknown,
): boolean | undefined {
  const parts: (boolean | undefined)[] = [];
  const compares = COMPARISONS.filter((name) => given(condition, name));
  if (compares.length) {
    const value = valueAt(condition, values, sources);
    for (const name of compares)
      parts.push(value.known ? compare[name](value.is, condition[name]) : undefined);
  }
  for (const one of condition.all ?? []) parts.push(holds(one, values, sources));
  if (condition.any?.length) parts.push(either(condition.any, values, sources));
  if (condition.none?.length) {
    const found = either(condition.none, values, sources);
    parts.push(found === undefined ? undefined : !found);
  }
  if (parts.includes(false)) return false;
  return parts.includes(undefined) ? undefined : true;
}

/** The collections that a condition asks. */
export function sourcesOf(condition: Condition | null | undefined): string[] {
  if (!condition) return [];
  const below = [condition.all, condition.any, condition.none].flatMap((list) => list ?? []);
  return [
    ...new Set([
      ...(condition.data_source ? [condition.data_source] : []),
      ...below.flatMap((one) => sourcesOf(one)),
    ]),
  ];
}

const COMPARISONS = ["eq", "ne", "lt", "lte", "gt", "gte", "one_of", "contains", "exists"] as const;
type Comparison = (typeof COMPARISONS)[number];

const unknown: Sources = () => undefined;

/** `"eq": null` is a comparison, an absent key is none. */
function given(condition: Condition, name: Comparison): boolean {
  const value = condition[name];
  return name === "eq" || name === "ne"
    ? Object.hasOwn(condition, name)
    : value !== undefined && value !== null;
}

function valueAt(condition: Condition, values: unknown, sources: Sources): { known: boolean; is?: unknown } {
  if (!condition.data_source)
    return { known: true, is: condition.field ? at(values, condition.field) : undefined };
  const source = sources(condition.data_source);
  if (!source) return { known: false };
  return { known: true, is: condition.field ? at(source.first, condition.field) : source.total };
}

function either(conditions: Condition[], values: unknown, sources: Sources): boolean | undefined {
  const found = conditions.map((one) => holds(one, values, sources));
  if (found.includes(true)) return true;
  return found.includes(undefined) ? undefined : false;
}

/** Equal; true is not 1, absent is null. */
const same = (value: unknown, wanted: unknown): boolean => (value ?? null) === (wanted ?? null);

/** Numbers with numbers, texts with texts; nothing else is before or after anything. */
const ordered =
  (decide: (value: string | number, wanted: string | number) => boolean) =>
  (value: unknown, wanted: unknown): boolean =>
    ((typeof value === "number" && typeof wanted === "number") ||
      (typeof value === "string" && typeof wanted === "string")) &&
    decide(value as string, wanted as string);

const compare: Record<Comparison, (value: unknown, wanted: unknown) => boolean> = {
  eq: same,
  ne: (value, wanted) => !same(value, wanted),
  lt: ordered((value, wanted) => value < wanted),
  lte: ordered((value, wanted) => value <= wanted),
  gt: ordered((value, wanted) => value > wanted),
  gte: ordered((value, wanted) => value >= wanted),
  one_of: (value, wanted) => Array.isArray(wanted) && wanted.some((one) => same(value, one)),
  contains: (value, wanted) =>
    typeof value === "string"
      ? typeof wanted === "string" && value.includes(wanted)
      : Array.isArray(value) && value.some((one) => same(one, wanted)),
  exists: (value, wanted) => hasValue(value) === Boolean(wanted),
};
