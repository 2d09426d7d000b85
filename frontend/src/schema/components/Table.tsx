import { Box, Group, Pagination, Text } from "@mantine/core";
import { useEffect, useMemo } from "react";
import { type Item, type Query, useCollection } from "../data/collections";
import { matching, readSort, sorted, writeSort } from "../data/rows";
import { usePage } from "../page/context";
import type { NodeProps, RowAction } from "../types";
import { Empty, Failed, Stale } from "./states";
import { BulkBar } from "./table/BulkBar";
import { useColumns } from "./table/columns";
import { Rows } from "./table/Rows";
import { TableSkeleton } from "./table/TableSkeleton";
import { Toolbar } from "./table/Toolbar";
import { useTableView } from "./table/view";

/** Without pages, so many rows are drawn at most; the database sorts and searches the others. */
export const MOST_ROWS = 10_000;
const PAGE_SIZE = 20;
/** The same each time: rows are drawn anew where their actions are others. */
const NO_ACTIONS: readonly RowAction[] = [];

/**
 * The documents of a collection in rows. As long as all of them are here, sorting, searching and filtering
 * happen here and at once; beyond that, and beyond one page where it has pages, the database does it.
 */
export default function Table({ node }: NodeProps<"table">) {
  const { plugin } = usePage();
  const limit = node.pagination ? (node.page_size ?? PAGE_SIZE) : MOST_ROWS;
  const base: Query = { where: node.where, sort: node.sort, limit };
  const whole = useCollection(plugin, node.data_source, base);
  const isWhole = !!whole.data && whole.data.total <= whole.data.items.length;
  const view = useTableView();
  const asked: Query = isWhole
    ? base
    : {
        ...base,
        sort: writeSort(view.sorting) ?? node.sort,
        // What is not asked for is no part of the question: the first page is the query of before.
        search: view.search || undefined,
        filters: view.filters.length ? view.filters : undefined,
        offset: (view.page - 1) * limit || undefined,
      };
  const query = useCollection(plugin, node.data_source, asked);
  const data = query.data ?? whole.data;
  const rows: readonly Item[] = useMemo(() => {
    const items = data?.items ?? [];
    return isWhole ? sorted(matching(items, view.search, view.filters), view.sorting) : items;
  }, [data, isWhole, view.search, view.filters, view.sorting]);
  const columns = useColumns(node.columns, whole.data?.items);

  const total = isWhole ? rows.length : (data?.total ?? 0);
  const pages = node.pagination ? Math.max(1, Math.ceil(total / limit)) : 1;
  // Rows went meanwhile, and the page with them.
  const isPast = query.isSuccess && !query.isPlaceholderData && view.page > pages;
  const { setPage } = view;
  useEffect(() => {
    if (isPast) setPage(pages);
  }, [isPast, pages, setPage]);

  if (whole.isPending) return <TableSkeleton columns={node.columns?.length || 4} />;
  if (query.error && !query.data) return <Failed error={query.error} retry={query.refetch} />;

  const isNarrowed = view.search.trim() !== "" || view.filters.length > 0;
  return (
    <Box data-ui="table" data-server={!isWhole} data-table={node.id ?? undefined}>
      {query.error && <Stale error={query.error} retry={query.refetch} />}
      <Toolbar node={node} columns={columns} view={view} total={total} busy={query.isPlaceholderData} />
      {node.bulk_actions?.length ? <BulkBar actions={node.bulk_actions} rows={rows} view={view} /> : null}
      {rows.length === 0 ? (
        <Empty
          message={isNarrowed ? "Nothing matches" : node.empty_message || "Nothing here yet"}
          icon={isNarrowed ? "search" : "inbox"}
        />
      ) : (
        <Rows
          rows={rows}
          columns={columns}
          view={view}
          initial={readSort(node.sort)[0] ?? null}
          actions={node.row_actions ?? NO_ACTIONS}
          selectable={!!node.bulk_actions?.length}
          height={node.height ?? 560}
        />
      )}
      {pages > 1 && (
        <Group justify="space-between" mt="sm">
          <Text size="sm" c="dimmed">
            {(view.page - 1) * limit + 1}–{Math.min(view.page * limit, total)} of {total}
          </Text>
          <Pagination
            value={Math.min(view.page, pages)}
            onChange={view.setPage}
            total={pages}
            size="sm"
            getControlProps={(control) => ({ "aria-label": `${control} page` })}
            getItemProps={(page) => ({ "aria-label": `Page ${page}` })}
          />
        </Group>
      )}
      {!node.pagination && data && data.total > data.items.length && (
        <Text size="sm" c="dimmed" mt="xs">
          The first {data.items.length.toLocaleString()} of {data.total.toLocaleString()} rows: sort or search
          to see others.
        </Text>
      )}
    </Box>
  );
}
