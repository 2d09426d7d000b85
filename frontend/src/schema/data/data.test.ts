import { describe, expect, it } from "vitest";
import { type Item, parameters } from "./collections";
import { changes, inOrder, moved, reorderParams } from "./order";
import { aggregate, COUNT, points } from "./points";
import { matching, readSort, sorted, writeSort } from "./rows";

const items = (...values: object[]): Item[] => values.map((value, index) => ({ _id: index + 1, ...value }));
const ids = (list: readonly Item[]) => list.map((item) => item._id);

describe("rows", () => {
  it("sort as the database does: nothing, numbers, texts, booleans, ties by id", () => {
    const rows = items({ v: "b" }, { v: 10 }, {}, { v: true }, { v: "B" }, { v: 9 }, { v: "b" });
    expect(ids(sorted(rows, { id: "v", desc: false }))).toEqual([3, 6, 2, 5, 1, 7, 4]);
    expect(ids(sorted(rows, { id: "v", desc: true }))).toEqual([4, 1, 7, 5, 2, 6, 3]);
    expect(ids(sorted(items({ a: { b: 2 } }, { a: { b: 1 } }), { id: "a.b", desc: false }))).toEqual([2, 1]);
    expect(sorted(rows, null)).toBe(rows);
  });

  it("read and write sorting as the API does", () => {
    expect(readSort(" -start, name ,, -")).toEqual([
      { id: "start", desc: true },
      { id: "name", desc: false },
    ]);
    expect(writeSort({ id: "a", desc: true })).toBe("-a");
    expect(writeSort(null)).toBeUndefined();
  });

  it("match texts and numbers anywhere, and filters", () => {
    const rows = items({ a: "Hello", n: 42 }, { deep: { list: ["WORLD"] } }, { k: ["x", "y"], on: true });
    expect(ids(matching(rows, " hELLo ", []))).toEqual([1]);
    expect(ids(matching(rows, "42", []))).toEqual([1]);
    expect(ids(matching(rows, "world", []))).toEqual([2]);
    expect(ids(matching(rows, "deep", []))).toEqual([]);
    expect(ids(matching(rows, "", [{ field: "k", op: "eq", value: "y" }]))).toEqual([3]);
    expect(ids(matching(rows, "", [{ field: "on", op: "eq", value: true }]))).toEqual([3]);
    expect(ids(matching(rows, "", [{ field: "a", op: "contains", value: "ELL" }]))).toEqual([1]);
  });

  it("are ten thousand sorted and searched in no time", () => {
    const many = items(
      ...Array.from({ length: 10_000 }, (_, n) => ({ name: `Row ${(n * 7919) % 10_000}`, n })),
    );
    const began = performance.now();
    sorted(matching(many, "row", []), { id: "name", desc: true });
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe("queries", () => {
  it("say values as JSON, so that a text is that text", () => {
    const query = {
      where: { kind: "5", on: null },
      filters: [{ field: "a", op: "contains" as const, value: "x" }],
      search: " s ",
      sort: "-a",
      limit: 5,
      offset: 10,
    };
    expect([...parameters(query)]).toEqual([
      ["limit", "5"],
      ["offset", "10"],
      ["sort", "-a"],
      ["search", "s"],
      ["f.kind.eq", '"5"'],
      ["f.on.eq", "null"],
      ["f.a.contains", "x"],
    ]);
  });
});

describe("order", () => {
  const rows = items({ order: 2 }, {}, { order: 0 }, { order: "x" }, { order: 1 });

  it("goes by the order field, what has none last", () => {
    expect(ids(inOrder(rows, "order"))).toEqual([3, 5, 1, 2, 4]);
  });

  it("tells on_reorder exactly what the specification says, with integers", () => {
    expect(reorderParams(items({ order: 0 }, { order: 1 }, { order: 2 }), 2, 0)).toEqual({
      items: [
        { _id: 3, order: 0 },
        { _id: 1, order: 1 },
        { _id: 2, order: 2 },
      ],
      moved_item_id: 3,
      from_index: 2,
      to_index: 0,
    });
  });

  it("writes only what changed its place", () => {
    const after = moved(items({ place: 0 }, { place: 1 }, { place: 2 }, {}), 1, 0);
    expect(changes(after, "place")).toEqual([
      { id: 2, order: 0 },
      { id: 1, order: 1 },
      { id: 4, order: 3 },
    ]);
  });
});

describe("points", () => {
  const rows = [{ k: "a", n: 1 }, { k: "b", n: "3" }, { k: "a", n: 2 }, { k: "a" }];

  it("aggregate what is a number", () => {
    expect(aggregate(rows, "count", null)).toBe(4);
    expect(aggregate(rows, "count", "n")).toBe(3);
    expect(aggregate(rows, "sum", "n")).toBe(6);
    expect(aggregate(rows, "avg", "n")).toBe(2);
    expect(aggregate(rows, "min", "n")).toBe(1);
    expect(aggregate(rows, "max", "n")).toBe(3);
    expect(aggregate([], "max", "n")).toBeNull();
  });

  it("are one per document, or one per x", () => {
    expect(points(rows, "k", [{ id: "n" }], null)).toEqual([
      { x: "a", s0: 1 },
      { x: "b", s0: 3 },
      { x: "a", s0: 2 },
      { x: "a", s0: null },
    ]);
    expect(points(rows, "k", [{ id: "n" }], "sum")).toEqual([
      { x: "a", s0: 3 },
      { x: "b", s0: 3 },
    ]);
    expect(points(rows, "k", [COUNT], "count")).toEqual([
      { x: "a", s0: 3 },
      { x: "b", s0: 1 },
    ]);
  });
});
