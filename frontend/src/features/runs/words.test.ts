import { expect, test } from "vitest";
import { startedBy } from "./words";

test.each([
  ["user:admin", "user", "admin, by hand"],
  ["plugin:sports_calendar", "plugin", "sports_calendar, by a plugin"],
  ["schedule:0190", "schedule", "by a schedule"],
  ["bus:a:b", "bus", "a:b, over the bus"],
  [null, "event", "by an event"],
] as const)("%s by %s reads: %s", (actor, trigger, text) => expect(startedBy({ actor, trigger })).toBe(text));
