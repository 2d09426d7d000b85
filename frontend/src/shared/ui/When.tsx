import { Text, type TextProps } from "@mantine/core";
import { useSyncExternalStore } from "react";
import { absoluteTime, duration, relativeTime } from "../format";

// One clock for the whole page: hundreds of timers would drift apart and cost.
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const told of [...listeners]) told();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size || !timer) return;
    clearInterval(timer);
    timer = undefined;
  };
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => {
    if (!timer) now = Date.now();
    return now;
  });
}

/** A moment as people say it; the exact one shows on hovering. */
export function When({ at, ...rest }: { at: string | null | undefined } & TextProps) {
  const current = useNow();
  if (!at) {
    return (
      <Text span inherit {...rest}>
        –
      </Text>
    );
  }
  return (
    <Text span inherit {...rest}>
      <time dateTime={at} title={absoluteTime(at)}>
        {relativeTime(at, current)}
      </time>
    </Text>
  );
}

/** How long something has been going on. */
export function Elapsed({ since }: { since: string }) {
  const current = useNow();
  return <>{duration(Math.max(0, Math.floor((current - Date.parse(since)) / 1000)))}</>;
}
