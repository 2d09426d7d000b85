import { expect, test } from "vitest";
import { found, partsOf } from "./parts";

test("status and message are said elsewhere: alone they leave nothing to show", () => {
  expect(partsOf({ status: "ok", message: "Done" })).toEqual([]);
  expect(partsOf({ status: "ok", result: "Done" })).toEqual([]);
  expect(partsOf(null)).toEqual([]);
});

test("a list of objects is a table with every key that occurs, in order of appearance", () => {
  const rows = [
    { id: 1, name: "A" },
    { name: "B", extra: true },
  ];
  expect(partsOf({ status: "ok", results: rows })).toEqual([
    { kind: "table", name: "results", columns: ["id", "name", "extra"], rows },
  ]);
});

test("a list of plain values is a table of one column", () => {
  expect(partsOf({ data: ["a", 2] })).toEqual([
    { kind: "table", name: "data", columns: ["value"], rows: [{ value: "a" }, { value: 2 }] },
  ]);
});

test("plain values come first, together; what is deeper is JSON", () => {
  expect(partsOf({ stats: { a: { b: 1 } }, added: 3, dry: false })).toEqual([
    {
      kind: "values",
      values: [
        ["added", "3"],
        ["dry", "false"],
      ],
    },
    { kind: "json", name: "stats", value: { a: { b: 1 } } },
  ]);
});

test("a file is one to download, alone or among others", () => {
  const file = { id: "f1", name: "report.csv", size: 12, type: "text/csv" };
  expect(partsOf({ report: file })).toEqual([{ kind: "files", name: "report", files: [file] }]);
  expect(partsOf({ files: [file, file] })).toEqual([{ kind: "files", name: "files", files: [file, file] }]);
});

test("an empty list and an empty object show nothing", () => {
  expect(partsOf({ data: [], more: {} })).toEqual([]);
});

test("a search looks into every cell", () => {
  const rows = [{ a: "Goal", b: 1 }, { a: "x", b: { deep: "GOAL" } }, { a: null }];
  expect(found(rows, " goal ")).toHaveLength(2);
  expect(found(rows, "")).toBe(rows);
});
