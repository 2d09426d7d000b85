import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { pluginsQuery } from "@/features/plugins/usePlugins";
import { show } from "@/shared/actions/notify";
import { outcomeOf } from "@/shared/actions/outcome";
import { keys } from "@/shared/api/keys";
import { useInvalidate, useUpdates } from "@/shared/live/LiveProvider";

/**
 * What plugins tell every page by `send_websocket_update`: a message becomes a notification that names
 * the plugin (one per plugin, so that a chatty one replaces its own), and its collections are read again.
 */
export function PluginUpdates() {
  const client = useQueryClient();
  const invalidate = useInvalidate();
  useUpdates((data) => {
    const plugin = typeof data.plugin === "string" ? data.plugin : null;
    if (plugin) invalidate(keys.dataOf(plugin), keys.pagesOf(plugin));
    const message = typeof data.message === "string" ? data.message.trim() : "";
    if (!message) return;
    const id = `update:${plugin ?? "platform"}`;
    const tell = (name: string) => {
      notifications.hide(id);
      show({ id, outcome: data.status === undefined ? "info" : outcomeOf(data), title: name, message });
    };
    if (plugin === null) return tell("Plugarr");
    client
      .ensureQueryData(pluginsQuery)
      .then((list) => list.find((known) => known.key === plugin)?.name)
      .catch(() => undefined)
      .then((name) => tell(name ?? plugin));
  });
  return null;
}
