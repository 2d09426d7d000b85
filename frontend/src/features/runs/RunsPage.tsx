import { Anchor, Box, Button, Card, Group, Pagination, Select, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useEffectEvent, useState } from "react";
import { Link, useSearchParams } from "react-router";
import type { Run } from "@/shared/api/types";
import { duration } from "@/shared/format";
import { Icon } from "@/shared/icons/Icon";
import { Page } from "@/shared/ui/Page";
import { RunState } from "@/shared/ui/RunState";
import { Empty, Loaded, Loading } from "@/shared/ui/states";
import { Elapsed, When } from "@/shared/ui/When";
import { usePlugins } from "../plugins/usePlugins";
import { type RunFilter, useRuns } from "./useRuns";
import { startedBy } from "./words";

const PAGE = 50;

const STATES = [
  "queued",
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "timed_out",
  "lost",
  "scheduled",
] as const;
const OUTCOMES = ["ok", "error", "queued", "other"] as const;
const KINDS = ["action", "task"] as const;
const words = (value: string) => ({
  value,
  label: value.charAt(0).toUpperCase() + value.slice(1).replace("_", " "),
});

export default function RunsPage() {
  const [params, setParams] = useSearchParams();
  const one = <T extends string>(name: string, known: readonly T[]) =>
    known.find((value) => value === params.get(name));
  const page = Math.max(1, Number(params.get("page")) || 1);
  const filter: RunFilter = {
    plugin: params.get("plugin") ?? undefined,
    state: one("state", STATES),
    outcome: one("outcome", OUTCOMES),
    kind: one("kind", KINDS),
    search: params.get("search") ?? undefined,
    limit: PAGE,
    offset: (page - 1) * PAGE,
  };
  const runs = useRuns(filter);
  const set = (name: string, value: string | null) =>
    setParams(
      (before) => {
        if (value) before.set(name, value);
        else before.delete(name);
        if (name !== "page") before.delete("page");
        return before;
      },
      { replace: true },
    );
  const last = Math.max(1, Math.ceil((runs.data?.total ?? 0) / PAGE));
  const isPast = runs.isSuccess && !runs.isPlaceholderData && page > last;
  const toLast = useEffectEvent(() => set("page", last === 1 ? null : String(last)));
  useEffect(() => {
    if (isPast) toLast();
  }, [isPast]);
  const filtered = ["plugin", "state", "outcome", "kind", "search"].some((name) => params.has(name));
  return (
    <Page
      title="Runs"
      description="What ran, what runs and what waits: each action and task, with its log and result."
    >
      <Filters filter={filter} set={set} />
      <Loaded query={runs} loading={<Loading rows={8} height={44} />} what="The runs could not be loaded">
        {({ runs: list, total }) =>
          list.length === 0 ? (
            <Empty
              icon="list-details"
              title={filtered ? "No run matches" : "Nothing has run yet"}
              action={
                filtered && (
                  <Button variant="default" onClick={() => setParams({}, { replace: true })}>
                    Show all runs
                  </Button>
                )
              }
            >
              {!filtered && "As soon as somebody presses a plugin's button, the run shows up here."}
            </Empty>
          ) : (
            <>
              <RunTable runs={list} />
              <Group justify="space-between">
                <Text size="sm" c="dimmed" role="status">
                  {total === 1 ? "1 run" : `${total.toLocaleString()} runs`}
                </Text>
                {total > PAGE && (
                  <Pagination
                    size="sm"
                    value={page}
                    total={Math.ceil(total / PAGE)}
                    onChange={(next) => set("page", next === 1 ? null : String(next))}
                    getControlProps={(control) => ({ "aria-label": `${control} page` })}
                  />
                )}
              </Group>
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

function Filters({ filter, set }: { filter: RunFilter; set: (name: string, value: string | null) => void }) {
  const { data: plugins = [] } = usePlugins();
  const [search, setSearch] = useState(filter.search ?? "");
  const send = useDebouncedCallback((text: string) => set("search", text || null), 250);
  useEffect(() => setSearch(filter.search ?? ""), [filter.search]);
  const names = plugins.map((plugin) => ({ value: plugin.key, label: plugin.name }));
  // A plugin that is gone has runs still.
  if (filter.plugin && !names.some((name) => name.value === filter.plugin)) {
    names.push({ value: filter.plugin, label: filter.plugin });
  }
  const select = (
    name: keyof RunFilter & string,
    label: string,
    data: { value: string; label: string }[],
    width: number,
  ) => (
    <Select
      aria-label={label}
      placeholder={label}
      data={data}
      value={(filter[name] as string | undefined) ?? null}
      onChange={(value) => set(name, value)}
      clearable
      searchable={data.length > 8}
      flex={`1 1 ${width}px`}
      maw={width + 40}
      miw={120}
      clearButtonProps={{ "aria-label": `Clear ${label}` }}
    />
  );
  return (
    <Group gap="sm" role="search" aria-label="Filter runs">
      <TextInput
        flex="1 1 200px"
        maw={320}
        placeholder="Search actions, actors, errors"
        aria-label="Search runs"
        leftSection={<Icon name="search" size={16} />}
        value={search}
        onChange={(event) => {
          setSearch(event.currentTarget.value);
          send(event.currentTarget.value.trim());
        }}
      />
      {select("plugin", "Plugin", names, 180)}
      {select("state", "State", STATES.map(words), 140)}
      {select("outcome", "Outcome", OUTCOMES.map(words), 140)}
      {select("kind", "Kind", KINDS.map(words), 120)}
    </Group>
  );
}

/** Runs as a table; on narrow screens each is a card, since nobody scrolls a table sideways. */
export function RunTable({ runs, plain = false }: { runs: Run[]; plain?: boolean }) {
  const { data: plugins = [] } = usePlugins();
  const nameOf = (key: string) => plugins.find((plugin) => plugin.key === key)?.name ?? key;
  const labelOf = (run: Run) =>
    plugins.find((plugin) => plugin.key === run.plugin)?.actions.find((action) => action.id === run.action)
      ?.label ?? run.action;
  return (
    <>
      <Card withBorder={!plain} radius="lg" p={0} visibleFrom="sm">
        <Table.ScrollContainer minWidth={640} type="native">
          <Table verticalSpacing="xs" horizontalSpacing="md" highlightOnHover fz="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>State</Table.Th>
                <Table.Th>Action</Table.Th>
                <Table.Th>Plugin</Table.Th>
                <Table.Th>Started by</Table.Th>
                <Table.Th>When</Table.Th>
                <Table.Th ta="right">Took</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {runs.map((run) => (
                <Table.Tr key={run.run_id} data-run={run.run_id}>
                  <Table.Td>
                    <RunState run={run} />
                  </Table.Td>
                  <Table.Td>
                    <Anchor component={Link} to={`/runs/${run.run_id}`} fw={500} inherit>
                      {labelOf(run)}
                    </Anchor>
                    {run.kind === "task" && (
                      <Text span size="xs" c="dimmed">
                        {" "}
                        task
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>{nameOf(run.plugin)}</Table.Td>
                  <Table.Td>{startedBy(run)}</Table.Td>
                  <Table.Td style={{ whiteSpace: "nowrap" }}>
                    <When at={run.started_at ?? run.created_at} />
                  </Table.Td>
                  <Table.Td ta="right" style={{ whiteSpace: "nowrap" }}>
                    <Took run={run} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Card>
      <Box hiddenFrom="sm" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
        {runs.map((run) => (
          <Card key={run.run_id} component="li" withBorder radius="md" p="sm" mb="xs">
            <Group justify="space-between" wrap="nowrap">
              <Anchor component={Link} to={`/runs/${run.run_id}`} fw={600} size="sm">
                {labelOf(run)}
              </Anchor>
              <RunState run={run} />
            </Group>
            <Text size="xs" c="dimmed" mt={4}>
              {nameOf(run.plugin)}, <When at={run.started_at ?? run.created_at} />, {startedBy(run)} ·{" "}
              <Took run={run} />
            </Text>
          </Card>
        ))}
      </Box>
    </>
  );
}

function Took({ run }: { run: Run }) {
  if (run.duration_s !== null && run.duration_s !== undefined) return <>{duration(run.duration_s)}</>;
  if (run.state === "running" && run.started_at) return <Elapsed since={run.started_at} />;
  return <>–</>;
}
