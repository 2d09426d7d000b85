import { expect, test } from "vitest";
import type { Plugin } from "@/shared/api/types";
import { chosen } from "./filters";

const plugin = (key: string, more: Partial<Plugin> = {}) =>
  ({
    key,
    name: key,
    description: "",
    author: "",
    enabled: false,
    errors: [],
    warnings: [],
    missing: false,
    invalid: false,
    load_error: null,
    ...more,
  }) as unknown as Plugin;

const all = [
  plugin("calendar", { name: "Sports Calendar", author: "Ann", enabled: true }),
  plugin("hello", { description: "Says hello to sports fans" }),
  plugin("broken", { load_error: "SyntaxError" }),
];
const keysOf = (plugins: Plugin[]) => plugins.map((found) => found.key);

test("every word of a search has to occur, wherever", () => {
  expect(keysOf(chosen(all, "all", "sports"))).toEqual(["calendar", "hello"]);
  expect(keysOf(chosen(all, "all", "ANN  sports"))).toEqual(["calendar"]);
  expect(chosen(all, "all", "nothing")).toEqual([]);
});

test("filters keep what they say", () => {
  expect(keysOf(chosen(all, "enabled", ""))).toEqual(["calendar"]);
  expect(keysOf(chosen(all, "disabled", ""))).toEqual(["hello", "broken"]);
  expect(keysOf(chosen(all, "problems", ""))).toEqual(["broken"]);
});
