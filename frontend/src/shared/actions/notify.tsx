import { Anchor, Stack, Text } from "@mantine/core";
import { notifications, notificationsStore } from "@mantine/notifications";
import { Link } from "react-router";
import { messageOf } from "../api/problem";
import { Icon } from "../icons/Icon";
import { type Ended, OUTCOME_COLOR, type Outcome } from "./outcome";

const ICON = {
  ok: "check",
  error: "x",
  queued: "clock",
  other: "alert-circle",
  info: "info-circle",
} as const;
const COLOR = { ...OUTCOME_COLOR, info: "brand" };
const READ_MS = 6_000;
/** A text this long is read at leisure and closed by hand. */
const LONG = 200;
/** So many are on the screen at a time; the next ones wait. */
export const MOST_SHOWN = 4;

/** How an action ended, in its outcome's colour; without a message of its own, the action's label. */
export function showEnd(label: string, ended: Ended): void {
  show({
    outcome: ended.outcome,
    title: ended.message === undefined ? undefined : label,
    message: ended.message ?? label,
    runId: ended.runId,
  });
}

export function showError(title: string, error: unknown): void {
  show({ outcome: "error", title, message: messageOf(error) });
}

export function showDone(message: string): void {
  show({ outcome: "ok", message });
}

export interface Notice {
  id?: string;
  outcome: Outcome | "info";
  title?: string;
  message: string;
  /** Links to the run, where there is one to look at. */
  runId?: string;
}

export function show({ id, outcome, title, message, runId }: Notice): void {
  const stays = message.length > LONG || outcome === "error";
  makeRoom();
  notifications.show({
    id,
    title,
    color: COLOR[outcome],
    icon: <Icon name={ICON[outcome]} size={18} />,
    autoClose: stays ? false : READ_MS,
    withBorder: true,
    closeButtonProps: { "aria-label": "Dismiss" },
    "data-outcome": outcome,
    message: (
      <Stack gap={4}>
        <Text size="sm" className="notice-text" tabIndex={stays ? 0 : undefined}>
          {message}
        </Text>
        {runId && (
          <Anchor component={Link} to={`/runs/${runId}`} size="xs">
            Show the run
          </Anchor>
        )}
      </Stack>
    ),
  } as Parameters<typeof notifications.show>[0]);
}

/** Where all that is shown waits to be closed, the oldest goes: nothing new would be seen any more. */
function makeRoom(): void {
  const { notifications: shown, queue } = notificationsStore.getState();
  const staying = [...shown, ...queue].filter((one) => one.autoClose === false);
  const oldest = staying.length >= MOST_SHOWN ? staying[0]?.id : undefined;
  if (oldest) notifications.hide(oldest);
}

export function clearNotices(): void {
  notifications.clean();
}
