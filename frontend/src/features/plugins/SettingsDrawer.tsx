import { Drawer, Group, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { SchemaForm } from "@/schema/form/SchemaForm";
import { showDone } from "@/shared/actions/notify";
import { keys } from "@/shared/api/keys";
import type { Plugin } from "@/shared/api/types";
import { PluginLogo } from "./PluginCard";
import { saveSettings } from "./usePlugins";

/** A plugin's settings, beside the list that they were opened from. */
export function SettingsDrawer({ plugin, onClose }: { plugin: Plugin; onClose: () => void }) {
  const client = useQueryClient();
  const submit = async (values: Record<string, unknown>) => {
    // What is stored and no field of this version is somebody's: it stays.
    await saveSettings(plugin.key, { ...plugin.settings, ...values });
    await client.invalidateQueries({ queryKey: keys.plugins });
    showDone(`The settings of ${plugin.name} are saved.`);
    onClose();
  };
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="lg"
      closeButtonProps={{ "aria-label": "Close" }}
      title={
        <Group gap="sm" wrap="nowrap">
          <PluginLogo plugin={plugin} size={32} />
          <Text fw={650} size="lg">
            Settings of {plugin.name}
          </Text>
        </Group>
      }
    >
      <SchemaForm
        fields={plugin.fields}
        values={plugin.settings}
        onSubmit={submit}
        submitLabel="Save settings"
        resettable
        pluginKey={plugin.key}
      />
    </Drawer>
  );
}
