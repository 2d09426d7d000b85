import { ActionIcon, Anchor, Box, Button, Divider, Group, Paper, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import { useMay } from "@/app/user";
import type { Ended } from "@/shared/actions/outcome";
import { useActions } from "@/shared/actions/useActions";
import type { Action, Plugin, Run } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { partsOf } from "@/shared/result/parts";
import { ResultView } from "@/shared/result/ResultView";
import { Elapsed } from "@/shared/ui/When";

const AT_ONCE = 4;

/** The buttons of a plugin, each with what it does, whether it runs, and what came of it. */
export function PluginActions({ plugin }: { plugin: Plugin }) {
  const [all, setAll] = useState(false);
  const actions = useActions(plugin.key);
  const may = useMay("user");
  const [shown, setShown] = useState<{ label: string; ended: Ended } | null>(null);
  const visible = all ? plugin.actions : plugin.actions.slice(0, AT_ONCE);

  const run = async (action: Action) => {
    const ended = await actions.run({ action: action.id, label: action.label, confirm: action.confirm });
    // A message alone is said by the notification; the rest wants room.
    if (ended && partsOf(ended.result).length > 0) setShown({ label: action.label, ended });
  };
  return (
    <Box>
      <Divider mb="xs" />
      <Stack gap={0}>
        {visible.map((action) => (
          <ActionRow
            key={action.id}
            action={action}
            running={actions.isRunning(action.id)}
            run={actions.active.find((known) => known.action === action.id)}
            disabled={!may}
            onRun={() => void run(action)}
          />
        ))}
      </Stack>
      {plugin.actions.length > AT_ONCE && (
        <Button size="compact-xs" variant="subtle" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? "Show fewer actions" : `Show ${plugin.actions.length - AT_ONCE} more actions`}
        </Button>
      )}
      {shown && (
        <Paper
          withBorder
          p="sm"
          mt="xs"
          radius="md"
          component="section"
          aria-label={`Result of ${shown.label}`}
        >
          <Group justify="space-between" mb={6} wrap="nowrap">
            <Text size="sm" fw={600}>
              Result of {shown.label}
            </Text>
            <ActionIcon
              variant="subtle"
              color="gray"
              onClick={() => setShown(null)}
              aria-label="Close the result"
            >
              <Icon name="x" size={16} />
            </ActionIcon>
          </Group>
          <ResultView result={shown.ended.result} />
        </Paper>
      )}
    </Box>
  );
}

interface ActionRowProps {
  action: Action;
  running: boolean;
  /** The run that makes it run, where it is known already. */
  run: Run | undefined;
  disabled: boolean;
  onRun: () => void;
}

function ActionRow({ action, running, run, disabled, onRun }: ActionRowProps) {
  return (
    <Group justify="space-between" wrap="nowrap" gap="md" py={6} data-action={action.id}>
      <Box miw={0}>
        <Text size="sm" fw={500}>
          {action.label}
        </Text>
        {running ? (
          <Text size="xs" c="dimmed" role="status">
            {run?.state === "queued" ? "Queued" : "Running"}
            {run?.started_at && (
              <>
                {" "}
                for <Elapsed since={run.started_at} />
              </>
            )}
            {run && (
              <>
                {" · "}
                <Anchor component={Link} to={`/runs/${run.run_id}`} inherit>
                  Show the run
                </Anchor>
              </>
            )}
          </Text>
        ) : (
          action.description && (
            <Text size="xs" c="dimmed">
              {action.description}
            </Text>
          )
        )}
      </Box>
      <Button
        size="xs"
        flex="none"
        color={action.button_color ?? undefined}
        variant={action.button_variant ?? "light"}
        loading={running}
        disabled={disabled}
        onClick={onRun}
        aria-label={`${action.button_label ?? "Run"}: ${action.label}`}
      >
        {action.button_label ?? "Run"}
      </Button>
    </Group>
  );
}
