import { expect, test } from "vitest";
import { ApiError, messageOf, toApiError } from "./problem";

const answer = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers });

test("a problem document is read with all its faults", () => {
  const error = toApiError(answer(422), {
    detail: "settings.limit: must be at most 100",
    errors: [{ path: "settings.limit", message: "must be at most 100" }],
    run_id: "r1",
  });
  expect(error.message).toBe("settings.limit: must be at most 100");
  expect(error.faults).toEqual([{ path: "settings.limit", message: "must be at most 100" }]);
  expect(error.runId).toBe("r1");
});

test("Dispatcharr's shape is read, too", () => {
  expect(toApiError(answer(400), { success: false, error: "Missing action" }).message).toBe("Missing action");
});

test("one fault without a list stands at its path", () => {
  expect(toApiError(answer(422), { detail: "is taken", path: "username" }).faults).toEqual([
    { path: "username", message: "is taken" },
  ]);
});

test("an answer without words gets some", () => {
  expect(toApiError(answer(413), undefined).message).toBe("That is larger than the server takes.");
  expect(toApiError(answer(502), "<html>").message).toBe("The server cannot be reached just now.");
  expect(toApiError(answer(503, { "Retry-After": "2" }), null).retryAfterS).toBe(2);
});

test("anything that is thrown has a text", () => {
  expect(messageOf(new ApiError(409, "taken"))).toBe("taken");
  expect(messageOf("odd")).toBe("odd");
});
