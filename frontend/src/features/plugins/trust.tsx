import { Stack, Text } from "@mantine/core";
import { ask } from "@/shared/actions/confirm";
import type { Plugin } from "@/shared/api/types";
import { useEnable } from "./usePlugins";

/** Enables and disables a plugin; before it is enabled for the first time, says what that means. */
export function useEnableWithTrust(plugin: Plugin) {
  const change = useEnable();
  const enable = async (enabled: boolean): Promise<boolean> => {
    if (enabled && !plugin.ever_enabled) {
      const trusted = await ask({
        title: `Enable ${plugin.name}?`,
        message: (
          <Stack gap="xs">
            <Text size="sm">
              A plugin is a program: once it is enabled, its code runs on this server, with access to its data
              and to the network.
            </Text>
            <Text size="sm">Enable only plugins from people that you trust.</Text>
          </Stack>
        ),
        confirmLabel: "I trust it, enable",
      });
      if (!trusted) return false;
    }
    return change.mutateAsync({ key: plugin.key, enabled }).then(
      () => true,
      () => false, // said by the mutation already
    );
  };
  return { enable, pending: change.isPending };
}
