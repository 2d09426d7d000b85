import { beforeEach, expect, test, vi } from "vitest";

const KEY = "plugarr.session";

function token(expiresInS: number, name = "a"): string {
  const claims = { user_id: "u1", name, exp: Math.floor(Date.now() / 1000) + expiresInS };
  return `head.${btoa(JSON.stringify(claims))}.signature`;
}

/** A session as a page has it that finds these tokens; `answer` is the gateway. */
async function sessionWith(access: string, answer: () => Promise<Response> | Response) {
  localStorage.setItem(KEY, JSON.stringify({ access, refresh: "refresh" }));
  vi.resetModules();
  const asked = vi.fn(async () => answer());
  vi.stubGlobal("fetch", asked);
  const { session } = await import("./session");
  return { session, asked };
}

const renewed = (access: string) => () => Response.json({ access, refresh: "next" });

beforeEach(() => localStorage.clear());

test("a token that holds is used as it is", async () => {
  const good = token(600);
  const { session, asked } = await sessionWith(good, renewed("never"));
  expect(await session.accessToken()).toBe(good);
  expect(asked).not.toHaveBeenCalled();
});

test("many who find a worn token share one renewal", async () => {
  const fresh = token(600, "b");
  const { session, asked } = await sessionWith(token(5), renewed(fresh));
  const found = await Promise.all(Array.from({ length: 10 }, () => session.accessToken()));
  expect(new Set(found)).toEqual(new Set([fresh]));
  expect(asked).toHaveBeenCalledTimes(1);
  expect(JSON.parse(localStorage.getItem(KEY) ?? "")).toEqual({ access: fresh, refresh: "next" });
});

test("what another tab has renewed already is taken over", async () => {
  const worn = token(5);
  const { session, asked } = await sessionWith(worn, renewed("never"));
  const theirs = token(600, "theirs");
  localStorage.setItem(KEY, JSON.stringify({ access: theirs, refresh: "theirs" }));
  expect(await session.renew(worn)).toBe(theirs);
  expect(asked).not.toHaveBeenCalled();
});

test("a refused refresh token ends the session", async () => {
  const { session } = await sessionWith(token(5), () => new Response(null, { status: 401 }));
  const told = vi.fn();
  session.subscribe(told);
  expect(await session.accessToken()).toBeNull();
  expect(told).toHaveBeenCalled();
  expect(localStorage.getItem(KEY)).toBeNull();
});

test.each([
  ["away", () => Promise.reject(new TypeError("refused"))],
  ["unwell", () => new Response(null, { status: 503 })],
])("a gateway that is %s logs nobody out", async (_, answer) => {
  const worn = token(5);
  const { session } = await sessionWith(worn, answer);
  expect(await session.accessToken()).toBe(worn);
  expect(session.tokens).not.toBeNull();
});

test.each([
  ["cannot be reached", () => Promise.reject(new TypeError("refused"))],
  ["is unwell", () => new Response(null, { status: 503 })],
  ["has had enough", () => new Response(null, { status: 429 })],
])("a refused token that cannot be renewed while the gateway %s logs nobody out", async (_, renewal) => {
  const { session } = await sessionWith(token(600), renewal);
  vi.stubGlobal("fetch", async (asked: Request | string) =>
    asked instanceof Request ? new Response(null, { status: 401 }) : renewal(),
  );
  const { fetchAsUser } = await import("./client");
  const response = await fetchAsUser(new Request("http://localhost/api/runs/"));
  expect(response.status).toBe(401);
  expect(session.tokens).not.toBeNull();
  expect(localStorage.getItem(KEY)).not.toBeNull();
});
