import { Badge, type BadgeProps } from "@mantine/core";
import type { Run } from "../api/types";
import { Icon } from "../icons/Icon";

type Look = [text: string, color: string, icon: string];

const STATES: Record<Run["state"], Look> = {
  scheduled: ["Scheduled", "gray", "calendar-time"],
  queued: ["Queued", "gray", "clock"],
  running: ["Running", "blue", "loader-2"],
  succeeded: ["Succeeded", "green", "check"],
  failed: ["Failed", "red", "x"],
  cancelled: ["Cancelled", "gray", "player-stop"],
  timed_out: ["Timed out", "orange", "clock"],
  lost: ["Lost", "orange", "alert-triangle"],
};

const OUTCOMES: Partial<Record<NonNullable<Run["outcome"]>, Look>> = {
  error: ["Error", "red", "alert-circle"],
  queued: ["Task started", "blue", "clock"],
  other: ["Done", "gray", "check"],
};

/** How a run stands; where its code returned, what it said of itself counts. */
export function RunState({ run, ...rest }: { run: Pick<Run, "state" | "outcome"> } & BadgeProps) {
  const [text, color, icon] = lookOf(run);
  return (
    <Badge
      variant="light"
      tt="none"
      color={color}
      leftSection={
        <Icon name={icon} size={13} className={run.state === "running" ? "spinning" : undefined} />
      }
      data-state={run.state}
      data-outcome={run.outcome ?? undefined}
      {...rest}
    >
      {text}
    </Badge>
  );
}

function lookOf({ state, outcome }: Pick<Run, "state" | "outcome">): Look {
  return (state === "succeeded" && outcome && OUTCOMES[outcome]) || STATES[state];
}
