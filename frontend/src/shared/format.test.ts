import { expect, test } from "vitest";
import { bytes, duration, relativeTime } from "./format";

test.each([
  [0.0421, "42 ms"],
  [0.9999, "1.0 s"],
  [3.21, "3.2 s"],
  [59.99, "1 min 0 s"],
  [252, "4 min 12 s"],
  [7500, "2 h 5 min"],
  [90_000, "1 d 1 h"],
])("%d s reads %s", (seconds, text) => expect(duration(seconds)).toBe(text));

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [64 * 1024 * 1024, "64.0 MiB"],
])("%d bytes read %s", (count, text) => expect(bytes(count)).toBe(text));

test("a moment is told from now on, in either direction", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  expect(relativeTime("2026-01-01T12:00:02Z", now)).toBe("just now");
  expect(relativeTime("2026-01-01T11:57:00Z", now)).toBe("3 minutes ago");
  expect(relativeTime("2026-01-01T14:00:00Z", now)).toBe("in 2 hours");
  expect(relativeTime("never", now)).toBe("never");
});
