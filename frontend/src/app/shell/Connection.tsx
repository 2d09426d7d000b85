import { Alert, Box, type BoxProps, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { Icon } from "@/shared/icons/Icon";
import type { LiveState } from "@/shared/live/connection";
import { useLiveState } from "@/shared/live/LiveProvider";
import classes from "./shell.module.css";

const SAID: Record<LiveState, string> = {
  off: "Not connected",
  connecting: "Connecting…",
  live: "Live: changes show by themselves",
  lost: "Connection lost, reconnecting…",
  refused: "Live updates are refused here",
};

/** A short loss, as at a restart of a gateway, is not worth alarming anybody. */
const PATIENCE_MS = 1_200;

export function ConnectionDot(props: BoxProps) {
  const state = useLiveState();
  return (
    <Box
      {...props}
      role="img"
      aria-label={SAID[state]}
      title={SAID[state]}
      className={classes.dot}
      data-state={state}
      data-testid="live"
    />
  );
}

export function ConnectionNotice() {
  const state = useLiveState();
  const [patient, setPatient] = useState(true);
  const lost = state === "lost" || state === "refused";
  useEffect(() => {
    if (!lost) {
      setPatient(true);
      return;
    }
    const timer = setTimeout(() => setPatient(false), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [lost]);
  return (
    <div aria-live="polite">
      {lost && !patient && (
        <Alert color="orange" p="xs" icon={<Icon name="wifi-off" size={16} />} data-testid="connection-lost">
          <Text size="xs">
            {state === "lost"
              ? "Connection lost. What you see may be old; reconnecting…"
              : "Live updates are refused here: what you see changes when you load it again."}
          </Text>
        </Alert>
      )}
    </div>
  );
}
