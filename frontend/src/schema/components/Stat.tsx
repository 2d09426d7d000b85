import { Card, Group, Skeleton, Text, ThemeIcon } from "@mantine/core";
import { Icon } from "@/shared/icons/Icon";
import { useCollection } from "../data/collections";
import { aggregate } from "../data/points";
import { number } from "../lib/format";
import { color } from "../lib/style";
import { usePage } from "../page/context";
import type { NodeOf, NodeProps } from "../types";
import { CellValue } from "./CellValue";
import { useFilled } from "./content";
import { Failed, Stale } from "./states";

const MOST_DOCUMENTS = 10_000;

export default function Stat({ node }: NodeProps<"stat">) {
  if (node.data_source) return <FromCollection node={node} source={node.data_source} />;
  return <Figure node={node} value={node.value} />;
}

function FromCollection({ node, source }: { node: NodeOf<"stat">; source: string }) {
  const { plugin } = usePage();
  const how = node.aggregate ?? "count";
  const counts = how === "count" && !node.field;
  const { data, error, isPending, refetch } = useCollection(plugin, source, {
    where: node.where,
    // Only the number is needed, which every answer carries.
    limit: counts ? 1 : MOST_DOCUMENTS,
  });
  if (isPending) return <Skeleton height={96} radius="md" />;
  if (error && !data) return <Failed error={error} retry={refetch} />;
  return (
    <>
      {error && <Stale error={error} retry={refetch} />}
      <Figure node={node} value={counts ? data?.total : aggregate(data?.items ?? [], how, node.field)} />
    </>
  );
}

function Figure({ node, value }: { node: NodeOf<"stat">; value: unknown }) {
  const filled = useFilled(typeof value === "string" ? value : "");
  const shown = typeof value === "string" ? filled : value;
  const tone = color(node.color);
  return (
    <Card withBorder radius="md" padding="md" data-ui="stat" h="100%">
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <Text size="sm" c="dimmed" fw={500}>
          {node.label}
        </Text>
        {node.icon && (
          <ThemeIcon variant="light" color={tone} size="lg" radius="md">
            <Icon name={node.icon} size={18} />
          </ThemeIcon>
        )}
      </Group>
      <Text
        component="div"
        fz={28}
        fw={700}
        lh={1.2}
        c={tone}
        mt={4}
        data-part="value"
        style={{ fontVariantNumeric: "tabular-nums" }}
      >
        {shown === null || shown === undefined || shown === "" ? (
          "—"
        ) : node.render ? (
          <CellValue value={shown} render={node.render} label={node.label} />
        ) : (
          number(typeof shown === "number" ? Math.round(shown * 100) / 100 : shown)
        )}
      </Text>
      {node.description && (
        <Text size="xs" c="dimmed" mt={4}>
          {node.description}
        </Text>
      )}
    </Card>
  );
}
