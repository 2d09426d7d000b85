import { expect, test } from "vitest";
import type { Run } from "../api/types";
import { endOfRun, messageIn, outcomeOf } from "./outcome";

test.each([
  [{ status: "ok" }, "ok"],
  [{ status: " Success " }, "ok"],
  [{ status: true }, "ok"],
  [{}, "ok"],
  [{ status: null }, "ok"],
  [{ status: "error" }, "error"],
  [{ status: false }, "error"],
  [{ status: "started" }, "queued"],
  [{ status: "skipped" }, "other"],
  [{ status: 3 }, "other"],
  ["text", "ok"],
])("%j is %s", (result, outcome) => expect(outcomeOf(result)).toBe(outcome));

test("a message is found wherever plugins put it", () => {
  expect(messageIn({ message: "Done", error: "no" })).toBe("Done");
  expect(messageIn({ message: " ", error: "broken" })).toBe("broken");
  expect(messageIn({ status: "ok", result: "42" })).toBe("42");
  expect(messageIn({ status: "ok", result: [] })).toBeUndefined();
});

const run = (more: Partial<Run>) => ({ run_id: "r", plugin: "p", action: "a", ...more }) as Run;

test("a run that failed says why, and one that was lost says what is known", () => {
  expect(endOfRun(run({ state: "failed", error: "boom" }))).toMatchObject({
    outcome: "error",
    message: "boom",
  });
  expect(endOfRun(run({ state: "lost" })).message).toContain("not known");
  expect(endOfRun(run({ state: "cancelled" })).outcome).toBe("other");
});

test("the outcome that the executor found counts", () => {
  expect(endOfRun(run({ state: "succeeded", outcome: "queued", result: {} })).outcome).toBe("queued");
});
