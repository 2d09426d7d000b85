import { Button, Group, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { type ReactNode, useState } from "react";
import { useSearchParams } from "react-router";
import { useMay } from "@/app/user";
import { ActiveRunsContext, useActiveRuns } from "@/shared/actions/useActions";
import type { Plugin } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { Page } from "@/shared/ui/Page";
import { Empty, Loaded, Loading } from "@/shared/ui/states";
import { chosen, FILTERS, type Filter } from "./filters";
import { ImportDialog } from "./ImportDialog";
import { PluginCard } from "./PluginCard";
import classes from "./plugins.module.css";
import { SettingsDrawer } from "./SettingsDrawer";
import { useFileDrop } from "./useFileDrop";
import { usePlugins, useReload } from "./usePlugins";

const LABEL: Record<Filter, string> = {
  all: "All",
  enabled: "Enabled",
  disabled: "Disabled",
  problems: "Problems",
};

export default function PluginsPage() {
  const admin = useMay("admin");
  const plugins = usePlugins();
  const reload = useReload();
  const [importing, setImporting] = useState<{ file?: File } | null>(null);
  const over = useFileDrop(admin && !importing, (file) => setImporting({ file }));
  return (
    <Page
      title="Plugins"
      description="What is installed here. Plugins run in processes of their own, and only when they are enabled."
      actions={
        admin && (
          <>
            <Button
              variant="default"
              leftSection={<Icon name="refresh" size={16} />}
              loading={reload.isPending}
              onClick={() => reload.mutate(null)}
            >
              Reload
            </Button>
            <Button leftSection={<Icon name="upload" size={16} />} onClick={() => setImporting({})}>
              Import
            </Button>
          </>
        )
      }
    >
      {over}
      <Loaded
        query={plugins}
        loading={<Loading rows={3} height={170} />}
        what="The plugins could not be loaded"
      >
        {(list) => <PluginList plugins={list} onImport={admin ? () => setImporting({}) : undefined} />}
      </Loaded>
      {importing && <ImportDialog file={importing.file} onClose={() => setImporting(null)} />}
    </Page>
  );
}

function PluginList({ plugins, onImport }: { plugins: Plugin[]; onImport?: () => void }) {
  const [params, setParams] = useSearchParams();
  const active = useActiveRuns(null);
  const search = params.get("search") ?? "";
  const filter = FILTERS.find((known) => known === params.get("show")) ?? "all";
  const open = plugins.find((plugin) => plugin.key === params.get("settings"));
  const set = (name: string, value: string | null) =>
    setParams(
      (before) => {
        if (value) before.set(name, value);
        else before.delete(name);
        return before;
      },
      { replace: true },
    );
  const shown = chosen(plugins, filter, search);

  if (plugins.length === 0) {
    return (
      <Empty
        icon="puzzle"
        title="No plugins yet"
        action={onImport && <Button onClick={onImport}>Import a plugin</Button>}
      >
        Import a ZIP, or put a folder with a <code>plugin.py</code> into the plugin directory: it shows up
        here by itself.
      </Empty>
    );
  }
  return (
    <ActiveRunsContext value={active}>
      <Group gap="sm">
        <TextInput
          flex="1 1 220px"
          maw={360}
          placeholder="Search plugins"
          aria-label="Search plugins"
          leftSection={<Icon name="search" size={16} />}
          value={search}
          onChange={(event) => set("search", event.currentTarget.value)}
        />
        <SegmentedControl
          className={classes.filter}
          aria-label="Which plugins"
          value={filter}
          onChange={(value) => set("show", value === "all" ? null : value)}
          data={FILTERS.map((value) => ({
            value,
            label: (
              <>
                {LABEL[value]} <span className={classes.count}>{chosen(plugins, value, "").length}</span>
              </>
            ),
          }))}
        />
      </Group>
      {shown.length === 0 ? (
        <Empty
          icon="search"
          title="No plugin matches"
          action={
            <Button variant="default" onClick={() => setParams({}, { replace: true })}>
              Show all
            </Button>
          }
        />
      ) : (
        <Columns>
          {shown.map((plugin) => (
            <PluginCard key={plugin.key} plugin={plugin} onSettings={() => set("settings", plugin.key)} />
          ))}
        </Columns>
      )}
      {open && <SettingsDrawer key={open.key} plugin={open} onClose={() => set("settings", null)} />}
    </ActiveRunsContext>
  );
}

/** Cards of different heights in as many columns as fit, without holes between them. */
function Columns({ children }: { children: ReactNode[] }) {
  const wide = useMediaQuery("(min-width: 75em)", false, { getInitialValueInEffect: false });
  const columns = wide ? [0, 1] : [0];
  return (
    <Group align="flex-start" gap="lg" wrap="nowrap">
      {columns.map((column) => (
        <Stack key={column} gap="lg" flex={1} miw={0}>
          {children.filter((_, index) => index % columns.length === column)}
        </Stack>
      ))}
    </Group>
  );
}
