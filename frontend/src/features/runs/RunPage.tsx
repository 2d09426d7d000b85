import {
  Alert,
  Anchor,
  Badge,
  Button,
  Card,
  Group,
  Progress,
  SimpleGrid,
  Stack,
  Tabs,
  Text,
} from "@mantine/core";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { useMay } from "@/app/user";
import { isFinal } from "@/shared/actions/outcome";
import type { Run } from "@/shared/api/types";
import { duration } from "@/shared/format";
import { Icon } from "@/shared/icons/Icon";
import { partsOf } from "@/shared/result/parts";
import { ResultView } from "@/shared/result/ResultView";
import { JsonView } from "@/shared/ui/JsonView";
import { Page } from "@/shared/ui/Page";
import { RunState } from "@/shared/ui/RunState";
import { Loaded, Loading } from "@/shared/ui/states";
import { Elapsed, When } from "@/shared/ui/When";
import { usePlugins } from "../plugins/usePlugins";
import { CancelDialog } from "./CancelDialog";
import { LogView } from "./LogView";
import { RunTable } from "./RunsPage";
import { useRetry, useRun, useRuns } from "./useRuns";
import { CAUSES, startedBy } from "./words";

export default function RunPage() {
  const { runId = "" } = useParams();
  const run = useRun(runId);
  return (
    <Loaded query={run} loading={<Loading rows={4} height={72} />} what="The run could not be loaded">
      {(found) => <RunDetail key={found.run_id} run={found} />}
    </Loaded>
  );
}

function RunDetail({ run }: { run: Run }) {
  const { data: plugins = [] } = usePlugins();
  const plugin = plugins.find((known) => known.key === run.plugin);
  const label = plugin?.actions.find((action) => action.id === run.action)?.label ?? run.action;
  return (
    <Page
      title={label}
      before={
        <Anchor component={Link} to="/runs" size="sm">
          <Group gap={4} mb={6} component="span">
            <Icon name="arrow-left" size={14} /> All runs
          </Group>
        </Anchor>
      }
      description={
        <Group gap="xs">
          <RunState run={run} size="lg" data-testid="run-state" />
          <Anchor component={Link} to={`/runs?plugin=${encodeURIComponent(run.plugin)}`} inherit>
            {plugin?.name ?? run.plugin}
          </Anchor>
          {run.kind === "task" && <Badge variant="default">task</Badge>}
        </Group>
      }
      actions={<RunButtons run={run} label={label} />}
    >
      {run.progress && !isFinal(run.state) && <RunProgress progress={run.progress} />}
      <Trouble run={run} />
      <Facts run={run} />
      <Parts run={run} />
    </Page>
  );
}

function RunButtons({ run, label }: { run: Run; label: string }) {
  const navigate = useNavigate();
  const may = useMay("user");
  const retry = useRetry((id) => navigate(`/runs/${id}`));
  const [cancelling, setCancelling] = useState(false);
  if (!may) return null;
  return (
    <>
      {!isFinal(run.state) && (
        <Button
          variant="default"
          c="var(--mantine-color-error)"
          leftSection={<Icon name="player-stop" size={16} />}
          onClick={() => setCancelling(true)}
        >
          Cancel
        </Button>
      )}
      {isFinal(run.state) && run.kind !== "task" && (
        <Button
          variant="default"
          leftSection={<Icon name="refresh" size={16} />}
          loading={retry.isPending}
          onClick={() => retry.mutate(run.run_id)}
        >
          Run again
        </Button>
      )}
      {cancelling && <CancelDialog run={run} label={label} onClose={() => setCancelling(false)} />}
    </>
  );
}

function RunProgress({ progress: { done, total, message } }: { progress: NonNullable<Run["progress"]> }) {
  const percent = total ? Math.min(100, (done / total) * 100) : 100;
  return (
    <Card withBorder radius="lg" data-testid="progress">
      <Group justify="space-between" mb={6}>
        <Text size="sm">{message ?? "Working…"}</Text>
        <Text size="sm" c="dimmed">
          {total ? `${done} of ${total}` : done}
        </Text>
      </Group>
      <Progress value={percent} animated={!total} aria-label={message ?? "Progress"} />
    </Card>
  );
}

function Trouble({ run }: { run: Run }) {
  if (!run.error && !(run.cause && isFinal(run.state) && run.state !== "succeeded")) return null;
  const cause = run.cause ? (CAUSES[run.cause] ?? run.cause.replaceAll("_", " ")) : null;
  return (
    <Alert
      color={run.state === "cancelled" ? "gray" : "red"}
      icon={<Icon name="alert-circle" />}
      title={run.error_type ?? (run.error ? "Error" : undefined)}
    >
      {run.error && (
        <Text size="sm" className="notice-text" ff="monospace">
          {run.error}
        </Text>
      )}
      {cause && <Text size="sm">{cause}</Text>}
    </Alert>
  );
}

function Facts({ run }: { run: Run }) {
  const facts: [string, React.ReactNode][] = [
    ["Asked for", <When key="at" at={run.created_at} />],
    ["Started", <When key="at" at={run.started_at} />],
    [
      "Took",
      run.duration_s !== null && run.duration_s !== undefined ? (
        duration(run.duration_s)
      ) : run.started_at && !isFinal(run.state) ? (
        <Elapsed key="since" since={run.started_at} />
      ) : (
        "–"
      ),
    ],
    ["Started by", startedBy(run)],
    ["Executor", run.executor ?? "–"],
    ["Attempt", String(run.attempt ?? 1)],
  ];
  if (run.parent) facts.push(["Part of", <RunLink key="run" id={run.parent} />]);
  if (run.retry_of) facts.push(["Repeats", <RunLink key="run" id={run.retry_of} />]);
  if (run.retry_at) facts.push(["Next attempt", <When key="at" at={run.retry_at} />]);
  return (
    <Card withBorder radius="lg">
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} component="dl" m={0}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <Text component="dt" size="xs" c="dimmed">
              {name}
            </Text>
            <Text component="dd" size="sm" m={0}>
              {value}
            </Text>
          </div>
        ))}
      </SimpleGrid>
    </Card>
  );
}

function RunLink({ id }: { id: string }) {
  return (
    <Anchor component={Link} to={`/runs/${id}`} inherit>
      another run
    </Anchor>
  );
}

function Parts({ run }: { run: Run }) {
  const ended = isFinal(run.state);
  const children = useRuns({ parent: run.run_id, limit: 100, offset: 0 });
  const tasks = children.data?.total ?? 0;
  return (
    <Tabs defaultValue={ended && partsOf(run.result).length > 0 ? "result" : "log"} keepMounted={false}>
      <Tabs.List>
        <Tabs.Tab value="log">Log</Tabs.Tab>
        <Tabs.Tab value="result">Result</Tabs.Tab>
        <Tabs.Tab value="params">Params</Tabs.Tab>
        <Tabs.Tab
          value="tasks"
          rightSection={
            tasks > 0 && (
              <Badge size="sm" variant="light" circle={tasks < 10}>
                {tasks}
              </Badge>
            )
          }
        >
          Runs it started
        </Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="log" pt="md">
        <LogView runId={run.run_id} live={!ended} />
      </Tabs.Panel>
      <Tabs.Panel value="result" pt="md">
        {ended ? (
          <Stack>
            <ResultView result={run.result} />
            {run.result !== null && run.result !== undefined && <AsJson value={run.result} />}
          </Stack>
        ) : (
          <Text size="sm" c="dimmed">
            There is none before the run has ended.
          </Text>
        )}
      </Tabs.Panel>
      <Tabs.Panel value="params" pt="md">
        {isEmpty(run.params) ? (
          <Text size="sm" c="dimmed">
            It was given none.
          </Text>
        ) : (
          <JsonView value={run.params} label="Params" />
        )}
      </Tabs.Panel>
      <Tabs.Panel value="tasks" pt="md">
        {tasks > 0 ? (
          <RunTable runs={children.data?.runs ?? []} />
        ) : (
          <Text size="sm" c="dimmed">
            It started no tasks and no other runs.
          </Text>
        )}
      </Tabs.Panel>
    </Tabs>
  );
}

/** The whole result as it came, drawn only when somebody wants it: it may be long. */
function AsJson({ value }: { value: unknown }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Text span size="sm">
          As JSON
        </Text>
      </summary>
      {open && <JsonView value={value} label="Result as JSON" />}
    </details>
  );
}

const isEmpty = (value: unknown) =>
  value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
