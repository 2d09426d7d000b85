import type { Json } from "@/shared/api/types";
import { fromLocalInput, inUnits, toLocalInput, toSeconds, type Unit } from "./timing";
import type { Schedule, ScheduleBody } from "./useSchedules";

export type Kind = "cron" | "interval" | "at";

/** A schedule as its form holds it: every kind of timing at once, so that switching loses nothing. */
export interface Draft {
  name: string;
  plugin: string;
  action: string;
  params: string;
  kind: Kind;
  cron: string;
  every: number | string;
  unit: Unit;
  at: string;
  timezone: string;
  overlap: "skip" | "allow";
  missed: "skip" | "run_once";
}

export function draftOf(schedule: Schedule | null): Draft {
  const [every, unit] = inUnits(schedule?.interval_s ?? 3600);
  const params = schedule?.params ?? {};
  return {
    name: schedule?.name ?? "",
    plugin: schedule?.plugin ?? "",
    action: schedule?.action ?? "",
    params: Object.keys(params).length ? JSON.stringify(params, null, 2) : "",
    kind: schedule?.interval_s ? "interval" : schedule?.at ? "at" : "cron",
    cron: schedule?.cron ?? "0 3 * * *",
    every,
    unit,
    at: toLocalInput(schedule?.at),
    timezone: schedule?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    overlap: schedule?.overlap ?? "skip",
    missed: schedule?.missed ?? "skip",
  };
}

/** What is wrong, by the field where it shows; the gateway has the last word. */
export function problemsOf(draft: Draft): Record<string, string> {
  const problems: Record<string, string> = {};
  if (!draft.name.trim()) problems.name = "It needs a name.";
  if (!draft.plugin) problems.plugin = "Choose a plugin.";
  if (!draft.action) problems.action = "Choose an action.";
  if (paramsOf(draft) === null) problems.params = "That is no JSON object.";
  if (draft.kind === "cron" && draft.cron.trim().split(/\s+/).length !== 5) {
    problems.cron = "A cron has five fields: minute, hour, day, month, weekday.";
  }
  if (draft.kind === "interval" && !(Number(draft.every) >= 1)) problems.every = "At least 1.";
  if (draft.kind === "at" && !fromLocalInput(draft.at)) problems.at = "Choose a day and a time.";
  return problems;
}

export function bodyOf(draft: Draft): ScheduleBody {
  return {
    name: draft.name.trim(),
    plugin: draft.plugin,
    action: draft.action,
    params: paramsOf(draft) ?? {},
    cron: draft.kind === "cron" ? draft.cron.trim().replace(/\s+/g, " ") : null,
    interval_s: draft.kind === "interval" ? toSeconds(Number(draft.every), draft.unit) : null,
    at: draft.kind === "at" ? fromLocalInput(draft.at) : null,
    timezone: draft.timezone,
    overlap: draft.overlap,
    missed: draft.missed,
  };
}

function paramsOf(draft: Draft): Record<string, Json> | null {
  if (!draft.params.trim()) return {};
  try {
    const value: unknown = JSON.parse(draft.params);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, Json>)
      : null;
  } catch {
    return null;
  }
}
