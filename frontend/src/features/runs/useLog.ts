import { useCallback, useEffect, useRef, useState } from "react";
import { api, call } from "@/shared/api/client";
import { useLiveState, useTopic } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";

export interface LogLine {
  seq: number;
  time: string;
  level: string;
  message: string;
  logger?: string;
}

/** More would only fill the browser's memory; the oldest go. */
const MOST_LINES = 100_000;
const AT_ONCE = 5_000;

export interface Log {
  lines: LogLine[];
  loading: boolean;
  error: unknown;
  retry: () => void;
}

/** A run's log, whole, and longer as the run writes it. */
export function useLog(runId: string, live: boolean): Log {
  const [lines, setLines] = useState<LogLine[]>([]);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const last = useRef(0);
  const state = useRef<"idle" | "reading" | "again">("idle");
  const gone = useRef(false);

  // One reader at a time: what a frame announces meanwhile is read by the next turn.
  const read = useCallback(async () => {
    if (state.current !== "idle") {
      state.current = "again";
      return;
    }
    do {
      state.current = "reading";
      try {
        let more = true;
        while (more && !gone.current) {
          const query = { after: last.current, limit: AT_ONCE };
          const page = await call(
            api.GET("/api/runs/{run_id}/log/", { params: { path: { run_id: runId }, query } }),
          );
          last.current = page.last_seq ?? last.current;
          const fresh = page.lines as unknown as LogLine[];
          if (fresh.length) setLines((known) => [...known, ...fresh].slice(-MOST_LINES));
          more = page.more === true && fresh.length > 0;
        }
        setError(null);
      } catch (failure) {
        setError(failure);
      }
      setLoading(false);
    } while (!gone.current && (state.current as string) === "again");
    state.current = "idle";
  }, [runId]);

  useEffect(() => {
    gone.current = false;
    void read();
    return () => {
      gone.current = true;
    };
  }, [read]);
  useTopic(live ? topics.log(runId) : null, () => void read());

  // The lines written between the last frame and the end, and those of a time without a connection.
  const connected = useLiveState() === "live";
  useEffect(() => {
    if (!live) void read();
    if (!live || connected) return;
    const timer = setInterval(() => void read(), 2_000);
    return () => clearInterval(timer);
  }, [live, connected, read]);

  return { lines, loading, error, retry: () => void read() };
}
