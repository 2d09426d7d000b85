import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, call } from "../api/client";
import { keys } from "../api/keys";
import { ApiError } from "../api/problem";
import { useInvalidate, useLiveQuery } from "../live/LiveProvider";
import { topics } from "../live/topics";
import { type Followed, settle, useFollowed } from "./followed";
import { showEnd } from "./notify";
import { endOfRun, isFinal } from "./outcome";

/** Should a frame be lost, a run's end is found this much later. */
const LOOK_MS = 10_000;

/** Tells how the runs ended that were started here and took longer than their request. */
export function FollowedRuns() {
  return useFollowed().map((run) => <FollowedRun key={run.runId} {...run} />);
}

function FollowedRun({ runId, plugin, label }: Followed) {
  const invalidate = useInvalidate();
  useLiveQuery(topics.run(runId), keys.run(runId));
  const { data: run, error } = useQuery({
    queryKey: keys.run(runId),
    queryFn: () => call(api.GET("/api/runs/{run_id}/", { params: { path: { run_id: runId } } })),
    refetchInterval: LOOK_MS,
  });
  useEffect(() => {
    if (error instanceof ApiError && error.status === 404) settle(runId);
    if (!run || !isFinal(run.state)) return;
    const ended = endOfRun(run);
    settle(runId, ended);
    showEnd(label, ended);
    invalidate(keys.runs, keys.dataOf(plugin));
  }, [run, error, runId, plugin, label, invalidate]);
  return null;
}
