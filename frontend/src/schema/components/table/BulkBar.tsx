import { Button, Group, Paper, Text } from "@mantine/core";
import { useMemo } from "react";
import { Icon } from "@/shared/icons/Icon";
import type { Item } from "../../data/collections";
import { color } from "../../lib/style";
import { useHolds } from "../../page/context";
import type { RowAction } from "../../types";
import { useTrigger } from "../buttons";
import type { TableView } from "./view";

/** More than this is no choice of rows but a job of its own. */
export const MOST_SELECTED = 1_000;

/** What can be done with the rows that are chosen; it keeps its place while there are none. */
export function BulkBar({
  actions,
  rows,
  view,
}: {
  actions: readonly RowAction[];
  rows: readonly Item[];
  view: TableView;
}) {
  // A row that has gone meanwhile is not chosen any more.
  const items = useMemo(() => rows.filter((row) => view.selected.has(row._id)), [rows, view.selected]);
  return (
    <Paper withBorder px="sm" py={6} mb="sm" radius="md" data-part="bulk">
      <Group gap="sm" mih={30}>
        <Text size="sm" role="status" c={items.length ? undefined : "dimmed"}>
          {items.length ? `${items.length} selected` : "Select rows to act on them together"}
        </Text>
        {items.length > 0 && (
          <Group gap="xs">
            {actions.map((action) => (
              <BulkButton key={action.id} action={action} items={items} />
            ))}
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              onClick={() => view.setSelected(new Set())}
            >
              Clear
            </Button>
          </Group>
        )}
      </Group>
    </Paper>
  );
}

function BulkButton({ action, items }: { action: RowAction; items: Item[] }) {
  const params = useMemo(() => ({ ids: items.map((item) => item._id), items }), [items]);
  const { press, running, refused } = useTrigger({ ...action, params: { ...action.params, ...params } });
  const blocked = useHolds(action.disabled_if, params) === true;
  const visible = useHolds(action.visible_if, params);
  if (action.visible_if && !visible) return null;
  return (
    <Button
      size="compact-sm"
      variant="light"
      color={color(action.color)}
      leftSection={action.icon ? <Icon name={action.icon} size={15} /> : undefined}
      onClick={press}
      loading={running}
      disabled={blocked || refused}
      data-action={action.id}
    >
      {action.label}
    </Button>
  );
}
