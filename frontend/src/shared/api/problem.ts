export interface Fault {
  path: string;
  message: string;
}

/** What the server says when it refuses: a problem document, or Dispatcharr's `{success, error}`. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    message: string,
    /** Where in the input the faults lie; empty where the server names none. */
    readonly faults: Fault[] = [],
    readonly runId?: string,
    readonly retryAfterS?: number,
  ) {
    super(message);
  }

  /** The gateway was not reached at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

export function toApiError(response: Response, body: unknown): ApiError {
  const said = isObject(body) ? body : {};
  const message = firstText(said.detail, said.error, said.message) ?? fallback(response);
  const faults = Array.isArray(said.errors)
    ? said.errors.filter((fault): fault is Fault => isObject(fault) && typeof fault.message === "string")
    : typeof said.path === "string"
      ? [{ path: said.path, message }]
      : [];
  const retryAfter = Number(response.headers.get("Retry-After"));
  return new ApiError(
    response.status,
    message,
    faults,
    typeof said.run_id === "string" ? said.run_id : undefined,
    retryAfter > 0 ? retryAfter : undefined,
  );
}

/** Text for people, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  if (error instanceof Error) return error.message;
  return String(error);
}

function fallback(response: Response): string {
  if (response.status === 413) return "That is larger than the server takes.";
  if (response.status >= 502) return "The server cannot be reached just now.";
  return `The server answered ${response.status} ${response.statusText}`.trim();
}

function firstText(...values: unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === "string" && value !== "");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
