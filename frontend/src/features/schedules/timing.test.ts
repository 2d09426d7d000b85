import { expect, test } from "vitest";
import { cronText, fromLocalInput, inUnits, timingText, toLocalInput, toSeconds } from "./timing";

test.each([
  ["* * * * *", "Every minute"],
  ["*/15 * * * *", "Every 15 minutes"],
  ["5 * * * *", "Every hour, at :05"],
  ["0 3 * * *", "Every day at 03:00"],
  ["30 18 * * 7", "Every Sunday at 18:30"],
  ["0 9 * * 1-5", "Monday to Friday at 09:00"],
  ["0 3 1 * *", "Cron 0 3 1 * *"],
  ["0,30 9-17 * * *", "Cron 0,30 9-17 * * *"],
])("the cron %s reads: %s", (cron, text) => expect(cronText(cron)).toBe(text));

test("an interval reads in its largest unit, and comes back as it was", () => {
  expect(timingText({ interval_s: 3600 })).toBe("Every hour");
  expect(timingText({ interval_s: 90 })).toBe("Every 1 min 30 s");
  expect(timingText({ interval_s: 172_800 })).toBe("Every 2 days");
  for (const seconds of [1, 90, 600, 7200, 86_400]) expect(toSeconds(...inUnits(seconds))).toBe(seconds);
});

test("a moment survives the way through a date input", () => {
  const at = "2026-05-04T03:20:00.000Z";
  expect(fromLocalInput(toLocalInput(at))).toBe(at);
  expect(fromLocalInput("")).toBeNull();
  expect(toLocalInput(null)).toBe("");
});
