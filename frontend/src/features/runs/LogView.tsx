import { Box, Button, Group, Switch, Text, TextInput } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { saveAs } from "@/shared/api/upload";
import { Icon } from "@/shared/icons/Icon";
import { Failed, Loading } from "@/shared/ui/states";
import classes from "./log.module.css";
import { type LogLine, useLog } from "./useLog";

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** A run's log: live, searchable, and drawn only where one looks, so that its length costs nothing. */
export function LogView({ runId, live }: { runId: string; live: boolean }) {
  const log = useLog(runId, live);
  const [search, setSearch] = useState("");
  const shown = useMemo(() => matching(log.lines, search), [log.lines, search]);
  if (log.loading) return <Loading rows={1} height={180} />;
  if (log.error && log.lines.length === 0) {
    return <Failed error={log.error} retry={log.retry} what="The log could not be loaded" />;
  }
  return (
    <Box>
      <Group justify="space-between" mb="xs" gap="sm">
        <TextInput
          size="xs"
          flex="1 1 180px"
          maw={300}
          placeholder="Search the log"
          aria-label="Search the log"
          leftSection={<Icon name="search" size={14} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Group gap="md">
          <Text size="xs" c="dimmed" role="status">
            {search ? `${shown.length} of ${log.lines.length} lines` : `${log.lines.length} lines`}
          </Text>
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<Icon name="download" size={13} />}
            disabled={log.lines.length === 0}
            onClick={() => saveAs(new Blob([asText(log.lines)], { type: "text/plain" }), `${runId}.log`)}
          >
            Download
          </Button>
        </Group>
      </Group>
      {log.lines.length === 0 ? (
        <Text size="sm" c="dimmed" py="md">
          {live ? "Nothing was logged yet. Lines show up here as they are written." : "It logged nothing."}
        </Text>
      ) : (
        <Lines lines={shown} live={live} search={search.trim()} />
      )}
    </Box>
  );
}

function Lines({ lines, live, search }: { lines: LogLine[]; live: boolean; search: string }) {
  const parent = useRef<HTMLElement>(null);
  const [following, setFollowing] = useState(live);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => parent.current,
    estimateSize: () => 22,
    overscan: 20,
  });
  useEffect(() => {
    if (following && lines.length) rows.scrollToIndex(lines.length - 1, { align: "end" });
  }, [following, lines.length, rows]);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={parent} className={classes.log} tabIndex={0} aria-label="Log">
        <div style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((row) => {
            const line = lines[row.index];
            return (
              line && (
                <div
                  key={row.key}
                  ref={rows.measureElement}
                  data-index={row.index}
                  data-level={line.level?.toLowerCase()}
                  className={classes.line}
                  style={{ transform: `translateY(${row.start}px)` }}
                >
                  <time dateTime={line.time}>{timeOf(line.time)}</time>
                  <span className={classes.level}>{line.level}</span>
                  <span className={classes.message}>
                    <Marked text={line.message} search={search} />
                  </span>
                </div>
              )
            );
          })}
        </div>
      </section>
      {live && (
        <Switch
          mt="xs"
          size="xs"
          label="Follow the end"
          checked={following}
          onChange={(event) => setFollowing(event.currentTarget.checked)}
        />
      )}
    </>
  );
}

function Marked({ text, search }: { text: string; search: string }) {
  if (!search) return text;
  const at = text.toLowerCase().indexOf(search.toLowerCase());
  if (at < 0) return text;
  const end = at + search.length;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, end)}</mark>
      {text.slice(end)}
    </>
  );
}

export function matching(lines: LogLine[], search: string): LogLine[] {
  const wanted = search.trim().toLowerCase();
  if (!wanted) return lines;
  return lines.filter(
    (line) => line.message.toLowerCase().includes(wanted) || line.level?.toLowerCase() === wanted,
  );
}

function timeOf(iso: string): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? iso : clock.format(at);
}

function asText(lines: LogLine[]): string {
  return lines.map((line) => `${line.time} ${line.level} ${line.message}\n`).join("");
}
