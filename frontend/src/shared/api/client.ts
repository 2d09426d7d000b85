import createClient from "openapi-fetch";
import type { paths } from "./openapi.gen";
import { ApiError, toApiError } from "./problem";
import { session } from "./session";

/** Like `fetch`, with the session's token; a token that is refused is renewed once. */
export async function fetchAsUser(request: Request): Promise<Response> {
  const token = await session.accessToken();
  const again = request.clone();
  const response = await send(request, token);
  if (response.status !== 401 || !token) return response;
  const renewed = await session.renew(token);
  // Refused for good, the session has ended already; the same token again means that nobody could say.
  if (!renewed || renewed === token) return response;
  return send(again, renewed);
}

async function send(request: Request, token: string | null): Promise<Response> {
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  try {
    return await globalThis.fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The server cannot be reached. Is Plugarr running?");
  }
}

/** The API, typed by its OpenAPI document. Use with `call`. */
export const api = createClient<paths>({
  baseUrl: globalThis.location.origin,
  // openapi-fetch keeps the `fetch` it finds first, which tests and tools replace later.
  fetch: fetchAsUser,
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body; throws `ApiError` with the server's own words. */
export async function call<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok || error !== undefined) throw toApiError(response, error);
  return data as T;
}

/** For the few calls whose shape OpenAPI does not name. */
export async function callJson<T>(path: string, init: RequestInit & { json?: unknown } = {}): Promise<T> {
  const { json, ...rest } = init;
  const headers = new Headers(rest.headers);
  if (json !== undefined) headers.set("Content-Type", "application/json");
  const response = await fetchAsUser(
    new Request(new URL(path, location.origin), {
      ...rest,
      headers,
      body: json === undefined ? rest.body : JSON.stringify(json),
    }),
  );
  const text = await response.text();
  let body: unknown;
  try {
    body = text ? JSON.parse(text) : undefined;
  } catch {
    body = undefined;
  }
  if (!response.ok) throw toApiError(response, body);
  return body as T;
}
