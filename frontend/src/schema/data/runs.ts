import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isFinal } from "@/shared/actions/outcome";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import type { Run } from "@/shared/api/types";
import { useInvalidate, useLiveQuery, useTopic } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";
import { isObject } from "../lib/path";

/** Should a frame be lost, what goes on is looked at this often. */
const LOOK_MS = 5_000;

const lookAgain = (run: Run | null | undefined): number | false =>
  run && !isFinal(run.state) ? LOOK_MS : false;

/** A run of the plugin: the one of that id, else the last one of the action, or of any. */
export function useShownRun(plugin: string, id: string | undefined, action: string | undefined) {
  const last = keys.runList({ last: plugin, action: action ?? null });
  useLiveQuery(id ? null : topics.runsOf(plugin), last);
  const latest = useQuery({
    queryKey: last,
    enabled: !id,
    queryFn: async () => {
      const query = { plugin, limit: 1, sort: "-created_at" as const, ...(action ? { action } : {}) };
      const found = await call(api.GET("/api/runs/", { params: { query } }));
      return found.runs[0] ?? null;
    },
    refetchInterval: (query) => lookAgain(query.state.data),
  });
  useLiveQuery(id ? topics.run(id) : null, keys.run(id ?? ""));
  const named = useQuery({
    queryKey: keys.run(id ?? ""),
    enabled: !!id,
    queryFn: () => call(api.GET("/api/runs/{run_id}/", { params: { path: { run_id: id ?? "" } } })),
    refetchInterval: (query) => lookAgain(query.state.data),
  });
  const query = id ? named : latest;
  return { run: query.data ?? null, isPending: query.isPending, error: query.error };
}

export interface Progress {
  done: number;
  total: number | null;
  message: string | null;
}

/** How far a run is: what the run carries, and what is told since. */
export function useProgress(run: Run | null): Progress | null {
  const [told, setTold] = useState<{ run: string; progress: Progress } | null>(null);
  const going = run !== null && !isFinal(run.state);
  const invalidate = useInvalidate();
  useTopic(going ? topics.progress(run.run_id) : null, (event) => {
    if (event.type !== "frame") return invalidate(keys.runs, keys.run(run?.run_id ?? ""));
    const progress = readProgress(event.frame.data);
    if (progress && run) setTold({ run: run.run_id, progress });
  });
  if (!run) return null;
  const carried = readProgress(run.progress);
  if (told?.run !== run.run_id) return carried;
  // What was read may be older than what was told, or newer where a frame was lost.
  return carried && (!going || carried.done > told.progress.done) ? carried : told.progress;
}

function readProgress(value: unknown): Progress | null {
  if (!isObject(value) || typeof value.done !== "number") return null;
  return {
    done: value.done,
    total: typeof value.total === "number" ? value.total : null,
    message: typeof value.message === "string" ? value.message : null,
  };
}

export interface LogLine {
  seq: number;
  time: string;
  level: string;
  message: string;
}

const MOST_LINES = 5_000;

/** The lines of a run's log, read on from where it was whenever there are more. */
export function useLog(run: Run | null): { lines: readonly LogLine[]; error: Error | null } {
  const id = run?.run_id;
  const key = keys.log(id ?? "");
  useLiveQuery(id ? topics.log(id) : null, key);
  const going = run !== null && !isFinal(run.state);
  const { data, error } = useQuery({
    // The last lines of a run come with its end.
    queryKey: [...key, going],
    enabled: !!id,
    queryFn: async ({ client }) => {
      const before = client.getQueryData<readonly LogLine[]>([...key, true]) ?? [];
      return readLog(id ?? "", client.getQueryData<readonly LogLine[]>([...key, going]) ?? before);
    },
    refetchInterval: going ? LOOK_MS : false,
  });
  return { lines: data ?? NONE, error };
}

const NONE: readonly LogLine[] = [];

async function readLog(id: string, known: readonly LogLine[]): Promise<readonly LogLine[]> {
  let lines = known;
  for (;;) {
    const after = lines.at(-1)?.seq ?? 0;
    const query = { after, limit: 1_000 };
    const found = await call(api.GET("/api/runs/{run_id}/log/", { params: { path: { run_id: id }, query } }));
    lines = [...lines, ...(found.lines as unknown as LogLine[])].slice(-MOST_LINES);
    if (!found.more || !found.lines.length) return lines;
  }
}
