import { Badge, Box, Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "@/shared/api/types";
import { type Item, useCollection } from "../data/collections";
import { fill } from "../lib/templates";
import { usePage } from "../page/context";
import type { NodeProps } from "../types";
import { RowButtons } from "./buttons";
import styles from "./list.module.css";
import { Empty, Failed, Stale } from "./states";

const STEP = 100;

export function List({ node }: NodeProps<"list">) {
  const { plugin } = usePage();
  const [limit, setLimit] = useState(STEP);
  const { data, error, isPending, refetch } = useCollection(plugin, node.data_source, {
    where: node.where,
    sort: node.sort,
    limit,
  });
  if (isPending) return <ListSkeleton />;
  if (error && !data) return <Failed error={error} retry={refetch} />;
  const { items, total } = data ?? { items: [], total: 0 };
  const stale = error && <Stale error={error} retry={refetch} />;
  if (!items.length) {
    return (
      <>
        {stale}
        <Empty message={node.empty_message || "Nothing here yet"} />
      </>
    );
  }
  return (
    <Box data-ui="list">
      {stale}
      <ul className={styles.list}>
        {items.map((item) => (
          <li key={item._id} className={styles.item} data-id={item._id}>
            <ItemText template={node.item_template} item={item} />
            {node.actions?.length ? <RowButtons actions={node.actions} item={item} /> : null}
          </li>
        ))}
      </ul>
      {total > items.length && (
        <Button variant="default" size="xs" mt="sm" onClick={() => setLimit(limit + STEP)}>
          Show more ({items.length} of {total})
        </Button>
      )}
    </Box>
  );
}

/** Title, subtitle and badge of an item, as its template says. */
export function ItemText({ template, item }: { template: Schemas["ItemTemplate"]; item: Item }) {
  const subtitle = template.subtitle ? fill(template.subtitle, item) : "";
  const badge = template.badge ? fill(template.badge, item) : "";
  return (
    <Group gap="sm" wrap="nowrap" flex={1} miw={0} justify="space-between">
      <Box miw={0}>
        <Text fw={500} style={{ overflowWrap: "anywhere" }} data-part="title">
          {fill(template.title, item) || "—"}
        </Text>
        {subtitle.trim() && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }} data-part="subtitle">
            {subtitle}
          </Text>
        )}
      </Box>
      {badge && (
        <Badge variant="light" tt="none" fw={600} style={{ flexShrink: 0 }} data-part="badge">
          {badge}
        </Badge>
      )}
    </Group>
  );
}

export function ListSkeleton() {
  return (
    <Stack gap="xs" data-state="loading" aria-busy="true">
      {[1, 2, 3].map((row) => (
        <Skeleton key={row} height={52} radius="md" />
      ))}
    </Stack>
  );
}
