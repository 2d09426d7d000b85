import { ActionIcon, Menu } from "@mantine/core";
import { Link } from "react-router";
import { useMay } from "@/app/user";
import type { Plugin } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { usePlacement, useReload, whereabouts } from "./usePlugins";

export function PluginMenu({ plugin, onDelete }: { plugin: Plugin; onDelete: () => void }) {
  const admin = useMay("admin");
  const reload = useReload();
  const place = usePlacement();
  const { placement = plugin.execution.placement } = whereabouts(plugin);
  return (
    <Menu position="bottom-end" shadow="md" withArrow width={230}>
      <Menu.Target>
        <ActionIcon
          variant="default"
          size={30}
          aria-label={`More of ${plugin.name}`}
          loading={reload.isPending}
        >
          <Icon name="dots-vertical" size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          component={Link}
          to={`/runs?plugin=${encodeURIComponent(plugin.key)}`}
          leftSection={<Icon name="list-details" size={16} />}
        >
          Runs
        </Menu.Item>
        {admin && (
          <>
            <Menu.Item leftSection={<Icon name="refresh" size={16} />} onClick={() => reload.mutate(plugin)}>
              Reload
            </Menu.Item>
            {whereabouts(plugin).placement && (
              <Menu.Item
                leftSection={<Icon name="server-2" size={16} />}
                onClick={() =>
                  place.mutate({ key: plugin.key, placement: placement === "any" ? "home" : "any" })
                }
              >
                {placement === "any" ? "Run at one home only" : "Run on every executor"}
              </Menu.Item>
            )}
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<Icon name="trash" size={16} />} onClick={onDelete}>
              Delete
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
