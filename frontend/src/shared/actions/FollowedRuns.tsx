import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, call } from "../api/client";
import { keys } from "../api/keys";
import { ApiError } from "../api/problem";
import { useInvalidate, useIsLive, useLiveQuery } from "../live/LiveProvider";
import { topics } from "../live/topics";
import { type Followed, settle, UNKNOWN, useFollowed } from "./followed";
import { showEnd } from "./notify";
import { endOfRun, isFinal } from "./outcome";

/** Should a frame be lost, a run's end is found this much later. */
const LOOK_MS = 10_000;

/** Tells how the runs ended that were started here and took longer than their request. */
export function FollowedRuns() {
  return useFollowed().map((run) => <FollowedRun key={run.runId} {...run} />);
}

function FollowedRun({ runId, plugin, label, silent }: Followed) {
  const isLive = useIsLive();
  const invalidate = useInvalidate();
  useLiveQuery(topics.run(runId), keys.run(runId));
  const { data: run, error } = useQuery({
    queryKey: keys.run(runId),
    queryFn: () => call(api.GET("/api/runs/{run_id}/", { params: { path: { run_id: runId } } })),
    refetchInterval: LOOK_MS,
  });
  useEffect(() => {
    const ended =
      run && isFinal(run.state)
        ? endOfRun(run)
        : error instanceof ApiError && error.status === 404
          ? UNKNOWN
          : null;
    if (!ended) return;
    settle(runId, ended);
    if (!silent) showEnd(label, ended);
    invalidate(keys.runs, ...(isLive() ? [] : [keys.dataOf(plugin)]));
  }, [run, error, runId, plugin, label, silent, invalidate, isLive]);
  return null;
}
