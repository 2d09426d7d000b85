import { expect, test } from "vitest";
import { bodyOf, draftOf, problemsOf } from "./draft";

const whole = { ...draftOf(null), name: " Nightly ", plugin: "calendar", action: "sync" };

test("a new schedule runs every night, in the browser's zone, with no params", () => {
  expect(problemsOf(whole)).toEqual({});
  expect(bodyOf(whole)).toMatchObject({
    name: "Nightly",
    cron: "0 3 * * *",
    interval_s: null,
    at: null,
    params: {},
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    overlap: "skip",
    missed: "skip",
  });
});

test("only the chosen kind of timing is sent", () => {
  expect(bodyOf({ ...whole, kind: "interval", every: 2, unit: "hours" })).toMatchObject({
    cron: null,
    interval_s: 7200,
  });
  expect(bodyOf({ ...whole, kind: "at", at: "2030-01-01T10:00" }).at).toBe(
    new Date("2030-01-01T10:00").toISOString(),
  );
});

test("what is missing or wrong is said at its field", () => {
  const bad = { ...draftOf(null), cron: "0 3 * *", params: "[1]" };
  expect(Object.keys(problemsOf(bad)).sort()).toEqual(["action", "cron", "name", "params", "plugin"]);
  expect(problemsOf({ ...whole, kind: "interval", every: "" })).toHaveProperty("every");
  expect(problemsOf({ ...whole, kind: "at", at: "" })).toHaveProperty("at");
});
