import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useEffectEvent,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { session } from "../api/session";
import { LiveConnection, type LiveState, openSocket, type TopicEvent } from "./connection";
import { Invalidator } from "./invalidation";

interface Live {
  connection: LiveConnection;
  invalidator: Invalidator;
}

const LiveContext = createContext<Live | null>(null);

/** Keeps one connection open as long as somebody is logged in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [connection] = useState(
    () =>
      new LiveConnection({
        open: openSocket,
        token: () => session.accessToken(),
        refused: (token) => session.renew(token),
      }),
  );
  const live = useMemo(() => ({ connection, invalidator: new Invalidator(client) }), [connection, client]);
  useEffect(() => {
    connection.start();
    return () => connection.stop();
  }, [connection]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

function useLive(): Live | null {
  return useContext(LiveContext);
}

const never = () => () => {};

export function useLiveState(): LiveState {
  const live = useLive();
  return useSyncExternalStore(live?.connection.watch ?? never, () => live?.connection.state ?? "off");
}

/** Whether frames come just now, for who asks later than it is drawn. */
export function useIsLive(): () => boolean {
  const live = useLive();
  return useCallback(() => live?.connection.state === "live", [live]);
}

/** Hear what happens to a topic while this component is drawn; null is no topic. */
export function useTopic(topic: string | null, listener: (event: TopicEvent) => void): void {
  const live = useLive();
  const tell = useEffectEvent(listener);
  useEffect(() => {
    if (!live || topic === null) return;
    return live.connection.subscribe(topic, (event) => tell(event));
  }, [live, topic]);
}

/** Refetch queries whenever something happens to a topic. */
export function useLiveQuery(topic: string | null, ...stale: QueryKey[]): void {
  const invalidate = useInvalidate();
  const again = useRef<ReturnType<typeof setTimeout>>(undefined);
  useTopic(topic, (event) => {
    invalidate(...stale);
    if (event.type !== "frame" || !event.frame.type.startsWith("run.")) return;
    // The history of runs is written from the same events, and may not have been when it was read just now.
    clearTimeout(again.current);
    again.current = setTimeout(() => invalidate(...stale), HISTORY_MS);
  });
  useEffect(() => () => clearTimeout(again.current), []);
}

const HISTORY_MS = 700;

/** Marks queries stale, coalesced with what the live connection marks. */
export function useInvalidate(): (...stale: QueryKey[]) => void {
  const live = useLive();
  const client = useQueryClient();
  return (...stale) => {
    if (live) live.invalidator.mark(...stale);
    else for (const queryKey of stale) void client.invalidateQueries({ queryKey });
  };
}

/** Dispatcharr's `send_websocket_update` messages. */
export function useUpdates(listener: (data: Record<string, unknown>) => void): void {
  const live = useLive();
  const tell = useEffectEvent(listener);
  useEffect(() => live?.connection.onUpdate((data) => tell(data)), [live]);
}
