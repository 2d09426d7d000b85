import {
  Alert,
  Button,
  Group,
  JsonInput,
  Modal,
  NumberInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { showDone } from "@/shared/actions/notify";
import { keys } from "@/shared/api/keys";
import { ApiError, messageOf } from "@/shared/api/problem";
import { Icon } from "@/shared/icons/Icon";
import { usePlugins } from "../plugins/usePlugins";
import { bodyOf, type Draft, draftOf, type Kind, problemsOf } from "./draft";
import { cronText, PRESETS, UNITS, type Unit } from "./timing";
import { changeSchedule, createSchedule, type Schedule } from "./useSchedules";

/** Makes a schedule, or changes one. */
export function ScheduleDialog({ schedule, onClose }: { schedule: Schedule | null; onClose: () => void }) {
  const client = useQueryClient();
  const { data: plugins = [] } = usePlugins();
  const [draft, setDraft] = useState<Draft>(() => draftOf(schedule));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const set = (change: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...change }));
    setProblems((before) => Object.fromEntries(Object.entries(before).filter(([name]) => !(name in change))));
  };
  const plugin = plugins.find((known) => known.key === draft.plugin);
  const choices = plugins
    .filter((known) => known.enabled || known.key === draft.plugin)
    .map((known) => ({ value: known.key, label: known.name }));
  const actions = (plugin?.actions ?? []).map((action) => ({ value: action.id, label: action.label }));
  if (draft.action && !actions.some((action) => action.value === draft.action)) {
    actions.push({ value: draft.action, label: draft.action });
  }

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found = problemsOf(draft);
    setProblems(found);
    if (Object.keys(found).length) return;
    setBusy(true);
    try {
      const body = bodyOf(draft);
      await (schedule ? changeSchedule(schedule.id, { ...body, rev: schedule.rev }) : createSchedule(body));
      await client.invalidateQueries({ queryKey: keys.schedules });
      showDone(schedule ? `${draft.name} is changed.` : `${draft.name} is scheduled.`);
      onClose();
    } catch (error) {
      const faults = error instanceof ApiError ? error.faults : [];
      const at = (path: string) => path.split(".")[0] ?? "";
      const known = Object.fromEntries(
        faults
          .filter((fault) => at(fault.path) in draft || at(fault.path) === "interval_s")
          .map((fault) => [at(fault.path), fault.message]),
      );
      setProblems({ ...known, ...(Object.keys(known).length ? {} : { form: messageOf(error) }) });
      setBusy(false);
    }
  };

  return (
    <Modal
      opened
      onClose={onClose}
      title={schedule ? `Edit ${schedule.name}` : "New schedule"}
      size="lg"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form onSubmit={submit} noValidate>
        <Stack>
          <TextInput
            label="Name"
            required
            data-autofocus
            value={draft.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
            error={problems.name}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Select
              label="Plugin"
              required
              searchable
              data={choices}
              value={draft.plugin || null}
              onChange={(value) => set({ plugin: value ?? "", action: "" })}
              error={problems.plugin}
              nothingFoundMessage="No enabled plugin"
            />
            <Select
              label="Action"
              required
              searchable
              data={actions}
              disabled={!draft.plugin}
              value={draft.action || null}
              onChange={(value) => set({ action: value ?? "" })}
              error={problems.action}
              nothingFoundMessage="It has no actions"
            />
          </SimpleGrid>
          <When draft={draft} set={set} problems={problems} />
          <JsonInput
            label="Params"
            description="A JSON object that the action gets; often none is needed."
            placeholder="{}"
            autosize
            minRows={2}
            maxRows={10}
            value={draft.params}
            onChange={(params) => set({ params })}
            error={problems.params}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Select
              label="While the last run still goes"
              allowDeselect={false}
              data={[
                { value: "skip", label: "Skip the tick" },
                { value: "allow", label: "Run beside it" },
              ]}
              value={draft.overlap}
              onChange={(value) => set({ overlap: value as Draft["overlap"] })}
            />
            <Select
              label="Missed while Plugarr was down"
              allowDeselect={false}
              data={[
                { value: "skip", label: "Only show them" },
                { value: "run_once", label: "Make up for them with one run" },
              ]}
              value={draft.missed}
              onChange={(value) => set({ missed: value as Draft["missed"] })}
            />
          </SimpleGrid>
          {problems.form && (
            <Alert color="red" icon={<Icon name="alert-circle" />} role="alert">
              {problems.form}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              {schedule ? "Save" : "Create"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface WhenProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problems: Record<string, string>;
}

function When({ draft, set, problems }: WhenProps) {
  const zones = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  const all = zones.includes(draft.timezone) ? zones : [draft.timezone, ...zones];
  return (
    <Stack gap="sm">
      <div>
        <Text size="sm" fw={600} mb={4} id="schedule-kind">
          When
        </Text>
        <SegmentedControl
          fullWidth
          aria-labelledby="schedule-kind"
          value={draft.kind}
          onChange={(kind) => set({ kind: kind as Kind })}
          data={[
            { value: "cron", label: "Calendar" },
            { value: "interval", label: "Interval" },
            { value: "at", label: "Once" },
          ]}
        />
      </div>
      {draft.kind === "cron" && (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label="Cron"
            required
            description="Minute, hour, day, month, weekday."
            value={draft.cron}
            onChange={(event) => set({ cron: event.currentTarget.value })}
            error={problems.cron}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          />
          <Select
            label="Or one of these"
            description={draft.cron ? cronText(draft.cron) : "–"}
            placeholder="Choose"
            data={PRESETS}
            value={PRESETS.some((preset) => preset.value === draft.cron) ? draft.cron : null}
            onChange={(value) => value && set({ cron: value })}
          />
        </SimpleGrid>
      )}
      {draft.kind === "interval" && (
        <Group align="flex-start" gap="sm" wrap="nowrap">
          <NumberInput
            label="Every"
            required
            min={1}
            allowDecimal={false}
            value={draft.every}
            onChange={(every) => set({ every })}
            error={problems.interval_s ?? problems.every}
            flex={1}
          />
          <Select
            label="Unit"
            allowDeselect={false}
            data={UNITS}
            value={draft.unit}
            onChange={(unit) => set({ unit: unit as Unit })}
            flex={1}
          />
        </Group>
      )}
      {draft.kind === "at" && (
        <TextInput
          type="datetime-local"
          label="At"
          required
          description="In this browser's time zone."
          value={draft.at}
          onChange={(event) => set({ at: event.currentTarget.value })}
          error={problems.at}
        />
      )}
      {draft.kind === "cron" && (
        <Select
          label="Time zone"
          searchable
          allowDeselect={false}
          data={all}
          limit={100}
          value={draft.timezone}
          onChange={(value) => set({ timezone: value ?? "UTC" })}
          error={problems.timezone}
        />
      )}
    </Stack>
  );
}
