import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Invalidator } from "./invalidation";

const KEY = ["data", "plugin", "events"];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A query that somebody looks at; each fetch ends when it is told to. */
async function watched() {
  const client = new QueryClient();
  const ends: (() => void)[] = [];
  const fetches = vi.fn(() => new Promise<number>((resolve) => ends.push(() => resolve(ends.length))));
  new QueryObserver(client, { queryKey: KEY, queryFn: fetches }).subscribe(() => {});
  const end = async () => {
    ends.at(-1)?.();
    await vi.advanceTimersByTimeAsync(1);
  };
  await end();
  return { client, fetches, end, invalidator: new Invalidator(client) };
}

test("frames of the same moment are one refetch", async () => {
  const { fetches, invalidator } = await watched();
  for (let n = 0; n < 100; n++) invalidator.mark(KEY, ["other"]);
  await vi.advanceTimersByTimeAsync(100);
  expect(fetches).toHaveBeenCalledTimes(2);
});

test("a fetch under way is not interrupted, and repeated once for all that came meanwhile", async () => {
  const { fetches, end, invalidator } = await watched();
  invalidator.mark(KEY);
  await vi.advanceTimersByTimeAsync(60);
  for (let n = 0; n < 50; n++) {
    invalidator.mark(KEY);
    await vi.advanceTimersByTimeAsync(20);
  }
  expect(fetches).toHaveBeenCalledTimes(2);
  await end();
  await vi.advanceTimersByTimeAsync(100);
  expect(fetches).toHaveBeenCalledTimes(3);
  await end();
  await vi.advanceTimersByTimeAsync(500);
  expect(fetches).toHaveBeenCalledTimes(3);
});

test("a shorter key marks all that begins with it", async () => {
  const { fetches, invalidator } = await watched();
  invalidator.mark(["data", "plugin"]);
  await vi.advanceTimersByTimeAsync(100);
  expect(fetches).toHaveBeenCalledTimes(2);
});
