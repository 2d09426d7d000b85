import { Box, Card, Group, Progress as MantineProgress, ScrollArea, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { isFinal } from "@/shared/actions/outcome";
import { messageOf } from "@/shared/api/problem";
import type { Run } from "@/shared/api/types";
import { RunState } from "@/shared/ui/RunState";
import { useLog, useProgress, useShownRun } from "../data/runs";
import { toNumber } from "../lib/format";
import { color } from "../lib/style";
import { fill } from "../lib/templates";
import { usePage, useScope } from "../page/context";
import type { NodeProps } from "../types";
import { useFilled } from "./content";
import styles from "./log.module.css";

interface Named {
  run?: string | null;
  action?: string | null;
}

/** A `run` that a template leaves empty means the last one of the action. */
function useRunOf({ run, action }: Named) {
  const { plugin } = usePage();
  const scope = useScope();
  const id = run ? fill(run, scope).trim() : "";
  return useShownRun(plugin, id || undefined, action ?? undefined);
}

export default function Progress({ node }: NodeProps<"progress">) {
  if (node.value !== undefined && node.value !== null) return <OfValue node={node} />;
  return <OfRun node={node} />;
}

function OfValue({ node }: NodeProps<"progress">) {
  const written = useFilled(typeof node.value === "string" ? node.value : null);
  const share = toNumber(typeof node.value === "string" ? written : node.value) ?? 0;
  return <Bar label={node.label} share={share} tone={node.color} />;
}

function OfRun({ node }: NodeProps<"progress">) {
  const { run, isPending, error } = useRunOf(node);
  const progress = useProgress(run);
  if (!run) return <Bar label={node.label} share={0} tone={node.color} note={absent(isPending, error)} />;
  const ended = isFinal(run.state);
  const share = progress?.total
    ? (100 * progress.done) / progress.total
    : ended && run.state === "succeeded"
      ? 100
      : 0;
  const counted = progress ? `${progress.done}${progress.total ? ` of ${progress.total}` : ""}` : "";
  const note = [progress?.message, counted].filter(Boolean).join(" · ");
  return (
    <Bar
      label={node.label}
      // Nobody knows how long it will be: the bar moves, and says nothing.
      share={!ended && !progress?.total ? 100 : share}
      tone={ended && (run.state !== "succeeded" || run.outcome === "error") ? "red" : node.color}
      moving={!ended}
      note={note || (ended ? undefined : "Running…")}
      run={run}
    />
  );
}

interface BarProps {
  label: string | null | undefined;
  share: number;
  tone: string | null | undefined;
  moving?: boolean;
  note?: string | undefined;
  run?: Run;
}

/** Why there is no run to show. */
function absent(isPending: boolean, error: Error | null): string {
  if (isPending) return "Loading…";
  return error ? messageOf(error) : "Not run yet";
}

function Bar({ label, share, tone, moving, note, run }: BarProps) {
  return (
    <Box data-ui="progress" data-state={run?.state}>
      <Group justify="space-between" mb={6} gap="xs">
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <Group gap="xs">
          {note && (
            <Text size="sm" c="dimmed" data-part="note">
              {note}
            </Text>
          )}
          {run && <RunState run={run} size="sm" />}
        </Group>
      </Group>
      <MantineProgress
        value={Math.min(100, Math.max(0, share))}
        color={color(tone)}
        animated={moving ?? false}
        aria-label={label || "Progress"}
      />
    </Box>
  );
}

/** So near to its end, a log is read as it grows. */
const NEAR_PX = 40;

export function LogView({ node }: NodeProps<"log">) {
  const { run, isPending, error: unread } = useRunOf(node);
  const { lines, error } = useLog(run);
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const count = lines.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what moves it
  useEffect(() => {
    if (follows.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [count]);
  return (
    <Card withBorder padding={0} radius="md" data-ui="log">
      <Group justify="space-between" px="md" py={8} className={styles.head}>
        <Text size="sm" fw={600}>
          {node.title || "Log"}
        </Text>
        {run && <RunState run={run} size="sm" />}
      </Group>
      <ScrollArea
        h={node.height ?? 280}
        viewportRef={box}
        viewportProps={{ tabIndex: 0, role: "log", "aria-label": node.title || "Log" }}
        onScrollPositionChange={({ y }) => {
          const view = box.current;
          if (view) follows.current = y + view.clientHeight >= view.scrollHeight - NEAR_PX;
        }}
      >
        <Box className={styles.lines}>
          {error && <Text c="red">{error.message}</Text>}
          {!count && !error && (
            <Text size="sm" c="dimmed" ff="text">
              {run ? "No lines yet" : absent(isPending, unread)}
            </Text>
          )}
          {lines.map((line) => (
            <div key={line.seq} className={styles.line} data-level={String(line.level).toLowerCase()}>
              <time dateTime={line.time}>{clock(line.time)}</time>
              <span>{line.message}</span>
            </div>
          ))}
        </Box>
      </ScrollArea>
    </Card>
  );
}

function clock(time: string): string {
  const when = new Date(time);
  return Number.isNaN(when.getTime()) ? "" : when.toLocaleTimeString(undefined, { hour12: false });
}
