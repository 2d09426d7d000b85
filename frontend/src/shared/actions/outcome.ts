import type { Run } from "../api/types";

export type Outcome = "ok" | "error" | "queued" | "other";

export interface Ended {
  outcome: Outcome;
  /** What the plugin or the platform said; undefined where neither said anything. */
  message: string | undefined;
  /** The whole result, to be shown as tables or JSON. */
  result: unknown;
  runId: string | undefined;
}

const STATUS: Record<string, Outcome> = {
  ok: "ok",
  success: "ok",
  true: "ok",
  error: "error",
  failed: "error",
  false: "error",
  queued: "queued",
  started: "queued",
};

/** What a result's `status` says, by the same rules as the executor's. */
export function outcomeOf(result: unknown): Outcome {
  if (!isObject(result) || result.status === undefined || result.status === null) return "ok";
  const { status } = result;
  if (typeof status !== "string" && typeof status !== "boolean") return "other";
  return STATUS[String(status).trim().toLowerCase()] ?? "other";
}

/** The text that a result carries for people. */
export function messageIn(result: unknown): string | undefined {
  if (typeof result === "string") return result || undefined;
  if (!isObject(result)) return undefined;
  for (const name of ["message", "error", "detail"]) {
    const value = result[name];
    if (typeof value === "string" && value.trim() !== "") return value;
  }
  // A result that is no dict arrives as `{status, result}`.
  return typeof result.result === "string" && result.result !== "" ? result.result : undefined;
}

export const FINAL_STATES: ReadonlySet<Run["state"]> = new Set([
  "succeeded",
  "failed",
  "cancelled",
  "timed_out",
  "lost",
]);

export const isFinal = (state: Run["state"]): boolean => FINAL_STATES.has(state);

const SAID: Partial<Record<Run["state"], string>> = {
  failed: "The run failed.",
  cancelled: "The run was cancelled.",
  timed_out: "The run took longer than it may, and was ended.",
  lost: "The run was cut off; whether it did its work is not known.",
};

export function endOfRun(run: Run): Ended {
  const result = run.result;
  if (run.state === "succeeded") {
    return {
      outcome: run.outcome ?? outcomeOf(result),
      message: messageIn(result),
      result,
      runId: run.run_id,
    };
  }
  return {
    outcome: run.state === "cancelled" ? "other" : "error",
    message: run.error ?? SAID[run.state],
    result,
    runId: run.run_id,
  };
}

export const OUTCOME_COLOR: Record<Outcome, string> = {
  ok: "green",
  error: "red",
  queued: "blue",
  other: "gray",
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
