import {
  ActionIcon,
  Alert,
  Anchor,
  Badge,
  Box,
  Button,
  Card,
  Collapse,
  Group,
  Menu,
  Stack,
  Text,
  Title,
  Tooltip,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { Link } from "react-router";
import { useMay } from "@/app/user";
import { ask } from "@/shared/actions/confirm";
import { show } from "@/shared/actions/notify";
import { Icon } from "@/shared/icons/Icon";
import { Page } from "@/shared/ui/Page";
import { Empty, Loaded, Loading } from "@/shared/ui/states";
import { When } from "@/shared/ui/When";
import { usePlugins } from "../plugins/usePlugins";
import { ScheduleDialog } from "./ScheduleDialog";
import { Ticks } from "./Ticks";
import { timingText } from "./timing";
import { type Schedule, useDeleteSchedule, usePause, useRunNow, useSchedules } from "./useSchedules";

export default function SchedulesPage() {
  const admin = useMay("admin");
  const schedules = useSchedules();
  const [editing, setEditing] = useState<Schedule | "new" | null>(null);
  const create = admin && (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setEditing("new")}>
      New schedule
    </Button>
  );
  return (
    <Page
      title="Schedules"
      description="Actions that run by themselves: by the calendar, at an interval, or once."
      actions={create}
    >
      <Loaded
        query={schedules}
        loading={<Loading rows={3} height={92} />}
        what="The schedules could not be loaded"
      >
        {({ schedules: list }) =>
          list.length === 0 ? (
            <Empty icon="calendar-time" title="Nothing is scheduled" action={create}>
              Choose a plugin's action and when it shall run.
            </Empty>
          ) : (
            <Stack gap="sm">
              {list.map((schedule) => (
                <ScheduleCard
                  key={schedule.id}
                  schedule={schedule}
                  admin={admin}
                  onEdit={() => setEditing(schedule)}
                />
              ))}
            </Stack>
          )
        }
      </Loaded>
      {editing && (
        <ScheduleDialog schedule={editing === "new" ? null : editing} onClose={() => setEditing(null)} />
      )}
    </Page>
  );
}

interface CardProps {
  schedule: Schedule;
  admin: boolean;
  onEdit: () => void;
}

function ScheduleCard({ schedule, admin, onEdit }: CardProps) {
  const [opened, { toggle }] = useDisclosure(false);
  const { data: plugins = [] } = usePlugins();
  const plugin = plugins.find((known) => known.key === schedule.plugin);
  const action = plugin?.actions.find((known) => known.id === schedule.action);
  const lost = (schedule.missed_count ?? 0) + (schedule.skipped_count ?? 0);
  return (
    <Card
      component="article"
      withBorder
      radius="lg"
      p="md"
      aria-label={schedule.name}
      data-schedule={schedule.id}
    >
      <Group justify="space-between" align="flex-start" gap="md" wrap="nowrap">
        <Box miw={0} flex={1}>
          <Group gap="xs">
            <Title order={2} size="h5">
              {schedule.name}
            </Title>
            {!schedule.enabled && (
              <Badge color="gray" variant="light" tt="none">
                {schedule.at && schedule.last_at ? "Done" : "Paused"}
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed">
            {action?.label ?? schedule.action} · {plugin?.name ?? schedule.plugin}
          </Text>
          <Group gap="lg" mt="xs">
            <Fact name="When">
              <Tooltip
                label={schedule.cron ? `${schedule.cron} (${schedule.timezone})` : schedule.timezone}
                withArrow
              >
                <span>
                  {timingText(schedule)}
                  {schedule.cron && schedule.timezone !== ownZone() && `, ${schedule.timezone}`}
                </span>
              </Tooltip>
            </Fact>
            <Fact name="Next">
              <span data-testid="next">{schedule.enabled ? <When at={schedule.next_at} /> : "–"}</span>
            </Fact>
            <Fact name="Last">
              {schedule.last_run_id ? (
                <Anchor component={Link} to={`/runs/${schedule.last_run_id}`} inherit>
                  <When at={schedule.last_at} />
                </Anchor>
              ) : (
                <When at={schedule.last_at} />
              )}
            </Fact>
            {lost > 0 && (
              <Fact name="Did not run">
                {[
                  schedule.missed_count ? `${schedule.missed_count} missed` : "",
                  schedule.skipped_count ? `${schedule.skipped_count} skipped` : "",
                ]
                  .filter(Boolean)
                  .join(", ")}
              </Fact>
            )}
          </Group>
        </Box>
        <ScheduleButtons
          schedule={schedule}
          admin={admin}
          onEdit={onEdit}
          opened={opened}
          onHistory={toggle}
        />
      </Group>
      {schedule.problem && (
        <Alert color="red" mt="sm" p="xs" icon={<Icon name="alert-circle" size={16} />}>
          <Text size="xs">{schedule.problem}</Text>
        </Alert>
      )}
      <Collapse expanded={opened}>{opened && <Ticks schedule={schedule} />}</Collapse>
    </Card>
  );
}

const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text size="sm" component="div">
        {children}
      </Text>
    </div>
  );
}

interface ButtonsProps extends CardProps {
  opened: boolean;
  onHistory: () => void;
}

function ScheduleButtons({ schedule, admin, onEdit, opened, onHistory }: ButtonsProps) {
  const pause = usePause();
  const runNow = useRunNow();
  const remove = useDeleteSchedule();
  const may = useMay("user");
  const now = () =>
    runNow.mutate(schedule, {
      onSuccess: ({ run_id }) =>
        show({ outcome: "ok", message: `${schedule.name} was started.`, runId: run_id }),
    });
  const del = async () => {
    const yes = await ask({
      title: `Delete ${schedule.name}?`,
      message: "It does not run any more. The runs that it started stay.",
      confirmLabel: "Delete",
      color: "red",
    });
    if (yes) remove.mutate(schedule);
  };
  return (
    <Group gap="xs" wrap="nowrap">
      {may && (
        <Button
          size="xs"
          variant="light"
          leftSection={<Icon name="player-play" size={14} />}
          loading={runNow.isPending}
          onClick={now}
          visibleFrom="sm"
        >
          Run now
        </Button>
      )}
      <Menu position="bottom-end" shadow="md" withArrow width={210}>
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label={`More of ${schedule.name}`}>
            <Icon name="dots-vertical" size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {may && (
            <Menu.Item hiddenFrom="sm" leftSection={<Icon name="player-play" size={16} />} onClick={now}>
              Run now
            </Menu.Item>
          )}
          <Menu.Item leftSection={<Icon name="clock" size={16} />} onClick={onHistory}>
            {opened ? "Hide past ticks" : "Past ticks"}
          </Menu.Item>
          {admin && (
            <>
              <Menu.Item
                leftSection={<Icon name={schedule.enabled ? "player-pause" : "player-play"} size={16} />}
                onClick={() => pause.mutate(schedule)}
              >
                {schedule.enabled ? "Pause" : "Resume"}
              </Menu.Item>
              <Menu.Item leftSection={<Icon name="pencil" size={16} />} onClick={onEdit}>
                Edit
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" leftSection={<Icon name="trash" size={16} />} onClick={() => void del()}>
                Delete
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
