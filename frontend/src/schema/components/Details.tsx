import { Box, Skeleton, Stack } from "@mantine/core";
import { useCollection } from "../data/collections";
import { at, hasValue, type Values } from "../lib/path";
import { usePage, useScope } from "../page/context";
import type { NodeOf, NodeProps } from "../types";
import { CellValue } from "./CellValue";
import styles from "./details.module.css";
import { Empty, Failed, Stale } from "./states";
import { titled } from "./table/columns";

export default function Details({ node }: NodeProps<"details">) {
  const scope = useScope();
  if (node.data_source) return <FromCollection node={node} source={node.data_source} />;
  return <Pairs node={node} document={scope} />;
}

function FromCollection({ node, source }: { node: NodeOf<"details">; source: string }) {
  const { plugin } = usePage();
  const { data, error, isPending, refetch } = useCollection(plugin, source, {
    where: node.where,
    sort: node.sort,
    limit: 1,
  });
  if (isPending) {
    return (
      <Stack gap="xs" data-state="loading">
        <Skeleton height={18} />
        <Skeleton height={18} width="70%" />
      </Stack>
    );
  }
  if (error && !data) return <Failed error={error} retry={refetch} />;
  return (
    <>
      {error && <Stale error={error} retry={refetch} />}
      <Pairs node={node} document={data?.items[0]} />
    </>
  );
}

function Pairs({ node, document }: { node: NodeOf<"details">; document: Values | undefined }) {
  if (!document) return <Empty message={node.empty_message || "Nothing here yet"} />;
  const items = node.items?.length
    ? node.items
    : Object.keys(document)
        .filter((key) => key !== "_id")
        .slice(0, 100)
        .map((id) => ({ id, label: titled(id), render: null }));
  return (
    <dl className={styles.pairs} data-ui="details">
      {items.map(({ id, label, render }) => {
        const value = at(document, id);
        return (
          <Box key={id} className={styles.pair} data-key={id}>
            <dt>{label}</dt>
            <dd>{hasValue(value) ? <CellValue value={value} render={render} label={label} /> : "—"}</dd>
          </Box>
        );
      })}
    </dl>
  );
}
