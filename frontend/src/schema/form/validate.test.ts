import { describe, expect, it } from "vitest";
import type { FormField } from "@/shared/api/types";
import cases from "../../../../tests/fixtures/conditions.json";
import { type Condition, holds, sourcesOf } from "../lib/conditions";
import { sections } from "./sections";
import { validate } from "./validate";
import { initialValues, placed, submitted } from "./values";

const field = (type: string, keys: object = {}): FormField =>
  ({ id: "f", label: "F", type, ...keys }) as unknown as FormField;
const problem = (type: string, value: unknown, keys: object = {}) =>
  validate([field(type, keys)], { f: value }).f;

describe("conditions", () => {
  it.each(cases)("$condition of $values is $holds, as the gateway decides it", (one) => {
    expect(holds(one.condition as Condition, one.values)).toBe(one.holds);
  });

  it("ask collections by their first document and their number", () => {
    const sources = () => ({ first: { state: "on" }, total: 3 });
    expect(holds({ data_source: "jobs", field: "state", eq: "on" }, {}, sources)).toBe(true);
    expect(holds({ data_source: "jobs", gt: 2 }, {}, sources)).toBe(true);
    expect(holds({ data_source: "jobs", eq: 0 }, {}, sources)).toBe(false);
    expect(holds({ data_source: "jobs", eq: 0 }, {})).toBeUndefined();
    expect(
      sourcesOf({ any: [{ data_source: "a", eq: 1 }, { none: [{ data_source: "b", eq: 1 }] }] }),
    ).toEqual(["a", "b"]);
  });
});

describe("validate", () => {
  it.each([
    ["boolean", "yes", "must be true or false"],
    ["number", "12x", "must be a number"],
    ["date", "2030-02-30", "is no day of the calendar"],
    ["date", "30.1.2030", "must be a date as YYYY-MM-DD"],
    ["time", "25:00", "must be a time as HH:MM"],
    ["datetime", "2030-01-31 18:00", "must be a time in UTC as YYYY-MM-DDTHH:MM:SSZ"],
    ["color", "red", "must be a colour as #rrggbb"],
    ["email", "a@b", "must be an e-mail address"],
    ["url", "javascript://x/%0aalert(1)", "must be a URL such as https://example.com/path"],
    ["url", "example.com", "must be a URL such as https://example.com/path"],
    ["table", "x", "must be a list of rows"],
  ])("tells what is wrong with a %s of %s", (type, value, message) => {
    expect(problem(type, value)).toBe(message);
  });

  it.each([
    ["boolean", false],
    ["number", 0],
    ["date", "2030-01-31"],
    ["time", "18:00"],
    ["datetime", "2030-01-31T18:00:00Z"],
    ["color", "#Ff0000"],
    ["email", "a.b@example.com"],
    ["url", "webcal://example.com/a.ics"],
    ["string", "any"],
    ["table", []],
  ])("takes a %s of %s", (type, value) => {
    expect(problem(type, value)).toBeUndefined();
  });

  it("bounds numbers and texts", () => {
    expect(problem("number", 1, { min: 2 })).toBe("must be at least 2");
    expect(problem("number", 9, { max: 8 })).toBe("must be at most 8");
    expect(problem("number", 0.35, { step: 0.1 })).toBe("must be a multiple of 0.1");
    expect(problem("number", 0.3, { step: 0.1 })).toBeUndefined();
    expect(problem("string", "abc", { max_length: 2 })).toBe("must have at most 2 characters, not 3");
    expect(problem("string", "👍👍", { max_length: 2 })).toBeUndefined();
  });

  it("misses what is required and shown, and no more", () => {
    expect(problem("string", "", { required: true })).toBe("is required");
    const fields = [field("string", { required: true, visible_if: { field: "mode", eq: "expert" } })];
    expect(validate(fields, { mode: "simple" })).toEqual({});
    expect(validate(fields, { mode: "expert" })).toEqual({ f: "is required" });
  });

  it("names the cell of a row", () => {
    const table = field("table", {
      columns: [{ id: "url", label: "U", type: "url", required: true }],
      max_rows: 1,
    });
    expect(validate([table], { f: [{ url: "x" }, {}] })).toEqual({
      f: "must have at most 1 rows",
      "f[0].url": "must be a URL such as https://example.com/path",
      "f[1].url": "is required",
    });
  });

  it("leaves a default and a masked password alone", () => {
    expect(problem("url", "later", { default: "later" })).toBeUndefined();
    expect(problem("string", "********", { input_type: "password", max_length: 4 })).toBeUndefined();
  });
});

describe("values", () => {
  it("begin with what is given, else the default", () => {
    const fields = [
      field("string", { default: "d" }),
      field("boolean", { id: "b" }),
      field("info", { id: "i" }),
    ];
    expect(initialValues(fields)).toEqual({ f: "d", b: false });
    expect(initialValues(fields, { f: "g", b: true, other: 1 })).toEqual({ f: "g", b: true });
  });

  it("are sent so that a plugin can tell what was emptied from what was never set", () => {
    const fields = [
      field("string"),
      field("number", { id: "n" }),
      field("date", { id: "d" }),
      field("info", { id: "i" }),
    ];
    expect(submitted(fields, { n: null, d: null }, { d: "2030-01-01" })).toEqual({ f: "", d: null });
    expect(submitted([field("string", { visible_if: { field: "m", eq: 1 } })], { f: "x" })).toEqual({});
  });

  it("put the server's faults at their fields and tell the others", () => {
    const faults = [
      { path: "params.f", message: "no" },
      { path: "settings.f[1].x", message: "bad" },
      { path: "params.other", message: "what?" },
    ];
    expect(placed([field("table")], faults)).toEqual({
      errors: { f: "no", "f[1].x": "bad" },
      others: ["other: what?"],
    });
  });

  it("stand in sections that info fields open", () => {
    const fields = [
      field("string"),
      field("info", { id: "_section_a", label: "A" }),
      field("string", { id: "g" }),
      field("info", { id: "note" }),
    ];
    expect(sections(fields).map(({ id, fields }) => [id, fields.map((one) => one.id)])).toEqual([
      [null, ["f"]],
      ["_section_a", ["g", "note"]],
    ]);
  });
});
