import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import type { Run } from "@/shared/api/types";
import { useChange } from "@/shared/api/useChange";
import { useLiveQuery, useLiveState } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";

export interface RunFilter {
  plugin?: string;
  state?: Run["state"];
  outcome?: NonNullable<Run["outcome"]>;
  kind?: NonNullable<Run["kind"]>;
  parent?: string;
  search?: string;
  limit: number;
  offset: number;
}

export function useRuns(filter: RunFilter) {
  const live = useLiveState() === "live";
  useLiveQuery(filter.plugin ? topics.runsOf(filter.plugin) : topics.runs, keys.runs);
  return useQuery({
    queryKey: keys.runList(filter),
    queryFn: () => call(api.GET("/api/runs/", { params: { query: filter } })),
    placeholderData: keepPreviousData,
    refetchInterval: live ? false : 5_000,
  });
}

const path = (id: string) => ({ params: { path: { run_id: id } } });

export function useRun(id: string) {
  const live = useLiveState() === "live";
  useLiveQuery(topics.run(id), keys.run(id));
  useLiveQuery(topics.progress(id), keys.run(id));
  return useQuery({
    queryKey: keys.run(id),
    queryFn: () => call(api.GET("/api/runs/{run_id}/", path(id))),
    refetchInterval: live ? false : 3_000,
  });
}

export const siblingsOf = async (id: string): Promise<Run[]> =>
  (await call(api.GET("/api/runs/{run_id}/siblings/", path(id)))).siblings;

export function useCancel() {
  return useChange({
    failure: "Could not cancel the run",
    run: (id: string) => call(api.POST("/api/runs/{run_id}/cancel/", path(id))),
    done: ({ ended }) =>
      ended ? "The run is cancelled." : "The run was told to stop; it has 10 s to do so.",
    stale: [keys.runs, ["run"]],
  });
}

export function useRetry(onDone: (id: string) => void) {
  return useChange({
    failure: "Could not run it again",
    run: (id: string) => call(api.POST("/api/runs/{run_id}/retry/", path(id))),
    done: "It runs again.",
    stale: [keys.runs],
    onDone: ({ run_id }) => onDone(run_id),
  });
}
