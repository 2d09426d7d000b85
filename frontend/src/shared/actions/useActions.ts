import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useMemo, useState } from "react";
import { api, call } from "../api/client";
import { keys } from "../api/keys";
import { ApiError } from "../api/problem";
import type { Confirm, Json, Run } from "../api/types";
import { useIsLive, useLiveQuery, useLiveState, useTopic } from "../live/LiveProvider";
import { topics } from "../live/topics";
import { ask, questionOf } from "./confirm";
import { follow } from "./followed";
import { showEnd } from "./notify";
import { type Ended, isFinal, messageIn, outcomeOf } from "./outcome";

/** Longer actions go on by themselves; their end comes over the live connection. */
const WAIT_S = 5;

export interface ActionCall {
  action: string;
  /** What the user pressed; also the notification's text where the result has no message. */
  label: string;
  params?: Record<string, unknown> | null;
  confirm?: boolean | Confirm | null;
  /** Id of the form that is submitted: its fields validate the params in the gateway too. */
  form?: string;
  /** Tells nobody: the caller shows how it ended. */
  silent?: boolean;
}

export interface Actions {
  /**
   * Ask, run, notify. Null where the user said no. Where the server refuses the input of a form, the
   * `ApiError` is thrown for its fields to show; every other failure is an `Ended` with outcome `error`.
   */
  run: (action: ActionCall) => Promise<Ended | null>;
  /** Whether the action runs now, whoever started it and whatever page they are on. */
  isRunning: (action: string) => boolean;
  /** The runs of this plugin that have not ended. */
  active: readonly Run[];
}

export function useActions(plugin: string): Actions {
  const client = useQueryClient();
  const active = useActiveRuns(plugin);
  const isLive = useIsLive();
  const [pending, setPending] = useState<readonly string[]>([]);

  const run = useCallback(
    async (action: ActionCall): Promise<Ended | null> => {
      const question = questionOf(action.confirm, action.label);
      if (question && !(await ask(question))) return null;
      setPending((names) => [...names, action.action]);
      try {
        const ended = await request(plugin, action);
        if (!action.silent && !ended.told) showEnd(action.label, ended);
        return ended;
      } finally {
        setPending((names) => without(names, action.action));
        void client.invalidateQueries({ queryKey: keys.runs });
        // Frames say which data changed, as long as they come; else it may be any.
        if (!isLive()) void client.invalidateQueries({ queryKey: keys.dataOf(plugin) });
      }
    },
    [client, plugin, isLive],
  );
  const isRunning = useCallback(
    (action: string) => pending.includes(action) || active.some((known) => known.action === action),
    [pending, active],
  );
  return { run, isRunning, active };
}

/** The runs that are queued or running, of all plugins, where a page shows many of them. */
export const ActiveRunsContext = createContext<readonly Run[] | null>(null);

/** The runs of a plugin (null: of all) that have not ended, kept true by the live connection. */
export function useActiveRuns(plugin: string | null): readonly Run[] {
  const all = useContext(ActiveRunsContext);
  const live = useLiveState() === "live";
  const own = all === null;
  const topic = own ? (plugin === null ? topics.runs : topics.runsOf(plugin)) : null;
  useLiveQuery(topic, keys.activeRuns(plugin));
  const [ended, setEnded] = useState(NOBODY);
  useTopic(topic, (event) => {
    const id = event.type === "frame" && isEnd(event.frame.type) ? event.frame.data.run_id : undefined;
    // What is read for a moment longer may still call it running.
    if (typeof id === "string") setEnded((before) => new Set([...before, id].slice(-200)));
  });
  const { data } = useQuery({
    queryKey: keys.activeRuns(plugin),
    queryFn: async () => {
      const of = (state: Run["state"]) =>
        call(
          api.GET("/api/runs/", {
            params: { query: { ...(plugin !== null && { plugin }), state, limit: 200 } },
          }),
        );
      const [queued, running] = await Promise.all([of("queued"), of("running")]);
      return [...running.runs, ...queued.runs];
    },
    enabled: own,
    // Without a live connection, looking now and then has to do.
    refetchInterval: live ? 30_000 : 4_000,
  });
  return useMemo(
    () =>
      own
        ? (data ?? NONE).filter((run) => !ended.has(run.run_id))
        : all.filter((run) => run.plugin === plugin),
    [own, data, all, plugin, ended],
  );
}

const NONE: readonly Run[] = [];
const NOBODY: ReadonlySet<string> = new Set();

const isEnd = (type: string): boolean => isFinal(type.replace(/^run\./, "") as Run["state"]);

async function request(plugin: string, action: ActionCall): Promise<Ended & { told?: boolean }> {
  try {
    const { data, response } = await answer(plugin, action);
    if (response.status !== 202) {
      return {
        outcome: outcomeOf(data.result),
        message: messageIn(data.result),
        result: data.result,
        runId: data.run_id,
      };
    }
    // FollowedRuns notifies when it ends, even if this page is gone by then.
    const { label, silent } = action;
    return { ...(await follow({ runId: data.run_id, plugin, label, silent })), told: true };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (action.form && error.faults.length) throw error;
    return { outcome: "error", message: error.message, result: undefined, runId: error.runId };
  }
}

async function answer(plugin: string, { action, params, form }: ActionCall) {
  const asked = api.POST("/api/plugins/plugins/{key}/run/", {
    params: { path: { key: plugin }, query: { wait: WAIT_S } },
    body: { action, params: (params ?? {}) as Record<string, Json>, ...(form ? { form } : {}) },
  });
  const { response } = await asked;
  return { data: await call(asked), response };
}

function without<T>(list: readonly T[], item: T): readonly T[] {
  const at = list.indexOf(item);
  return at < 0 ? list : [...list.slice(0, at), ...list.slice(at + 1)];
}
