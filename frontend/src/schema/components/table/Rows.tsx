import { Box, Checkbox, Table as MantineTable, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useRef } from "react";
import { Icon } from "@/shared/icons/Icon";
import type { Item } from "../../data/collections";
import type { Sorting } from "../../data/rows";
import { at } from "../../lib/path";
import type { Column, RowAction } from "../../types";
import { RowButtons } from "../buttons";
import { alignment, CellValue } from "../CellValue";
import { MOST_SELECTED } from "./BulkBar";
import styles from "./rows.module.css";
import type { TableView } from "./view";

/** As many rows are drawn as they are; beyond, only those that can be seen. */
const VIRTUAL_FROM = 80;
const ROW_PX = 45;

interface Props {
  rows: readonly Item[];
  columns: readonly Column[];
  view: TableView;
  /** How the rows are sorted before the user sorts them. */
  initial: Sorting | null;
  actions: readonly RowAction[];
  selectable: boolean;
  height: number;
}

export function Rows({ rows, columns, view, initial, actions, selectable, height }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const isVirtual = rows.length > VIRTUAL_FROM;
  const virtual = useVirtualizer({
    count: isVirtual ? rows.length : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 6,
    getItemKey: (index) => rows[index]?._id ?? index,
  });
  const window = virtual.getVirtualItems();
  const before = window[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (window.at(-1)?.end ?? 0);
  const width = columns.length + (selectable ? 1 : 0) + (actions.length ? 1 : 0);
  // From what is chosen by then: a row that is not drawn anew keeps the function of an earlier choice.
  const select = (id: number, on: boolean) =>
    view.setSelected((before) => {
      const next = new Set(before);
      if (on) next.add(id);
      else next.delete(id);
      return next;
    });
  const row = (item: Item, index: number, measure?: (element: HTMLElement | null) => void) => (
    <Row
      key={item._id}
      item={item}
      index={index}
      columns={columns}
      actions={actions}
      selected={selectable ? view.selected.has(item._id) : undefined}
      onSelect={(on) => select(item._id, on)}
      measure={measure}
    />
  );
  return (
    // What scrolls must be reached by the keyboard.
    <Box
      ref={scroller}
      className={styles.scroller}
      style={{ maxHeight: height }}
      tabIndex={0}
      role="group"
      aria-label="Rows"
    >
      <MantineTable
        stickyHeader
        highlightOnHover
        verticalSpacing={6}
        horizontalSpacing="md"
        layout={isVirtual ? "fixed" : "auto"}
        aria-rowcount={rows.length + 1}
        miw={Math.min(110 * columns.length + 40 * actions.length, 1600)}
      >
        <MantineTable.Thead>
          <MantineTable.Tr aria-rowindex={1}>
            {selectable && <SelectAll rows={rows} view={view} />}
            {columns.map((column) => (
              <Head
                key={column.id}
                column={column}
                sorting={view.sorting ?? initial}
                onSort={() => view.toggleSort(column.id, view.sorting ?? initial)}
              />
            ))}
            {actions.length > 0 && (
              <MantineTable.Th w={40 * actions.length + 32}>
                <VisuallyHidden>Actions</VisuallyHidden>
              </MantineTable.Th>
            )}
          </MantineTable.Tr>
        </MantineTable.Thead>
        <MantineTable.Tbody>
          {before > 0 && <Spacer width={width} height={before} />}
          {isVirtual
            ? window.map(({ index }) => {
                const item = rows[index];
                return item && row(item, index, virtual.measureElement);
              })
            : rows.map((item, index) => row(item, index))}
          {isVirtual && after > 0 && <Spacer width={width} height={after} />}
        </MantineTable.Tbody>
      </MantineTable>
    </Box>
  );
}

function Spacer({ width, height }: { width: number; height: number }) {
  return (
    <tr aria-hidden>
      <td colSpan={width} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

interface RowProps {
  item: Item;
  index: number;
  columns: readonly Column[];
  actions: readonly RowAction[];
  selected: boolean | undefined;
  onSelect: (on: boolean) => void;
  measure: ((element: HTMLElement | null) => void) | undefined;
}

const Row = memo(
  function Row({ item, index, columns, actions, selected, onSelect, measure }: RowProps) {
    return (
      <MantineTable.Tr
        ref={measure}
        data-index={index}
        data-id={item._id}
        aria-rowindex={index + 2}
        bg={selected ? "var(--mantine-primary-color-light)" : undefined}
      >
        {selected !== undefined && (
          <MantineTable.Td w={44}>
            <Checkbox
              checked={selected}
              onChange={(event) => onSelect(event.currentTarget.checked)}
              aria-label={`Select row ${index + 1}`}
            />
          </MantineTable.Td>
        )}
        {columns.map((column) => (
          <Cell key={column.id} column={column}>
            <CellValue
              value={at(item, column.id)}
              render={column.render}
              colors={column.colors}
              label={column.label}
            />
          </Cell>
        ))}
        {actions.length > 0 && (
          <MantineTable.Td className={styles.actions}>
            <RowButtons actions={actions} item={item} />
          </MantineTable.Td>
        )}
      </MantineTable.Tr>
    );
  },
  // `onSelect` is made anew each time and does the same.
  (a, b) =>
    a.item === b.item &&
    a.index === b.index &&
    a.columns === b.columns &&
    a.actions === b.actions &&
    a.selected === b.selected,
);

function Cell({ column, children }: { column: Column; children: ReactNode }) {
  return (
    <MantineTable.Td
      ta={column.align ?? alignment(column.render)}
      data-column={column.id}
      className={styles.cell}
    >
      {children}
    </MantineTable.Td>
  );
}

function Head({ column, sorting, onSort }: { column: Column; sorting: Sorting | null; onSort: () => void }) {
  const active = sorting?.id === column.id ? sorting : null;
  const align = column.align ?? alignment(column.render);
  return (
    <MantineTable.Th
      ta={align}
      w={column.width ?? undefined}
      aria-sort={column.sortable ? (active ? (active.desc ? "descending" : "ascending") : "none") : undefined}
    >
      {column.sortable ? (
        <UnstyledButton className={styles.sort} onClick={onSort} data-active={active !== null}>
          {column.label}
          <Icon name={active ? (active.desc ? "chevron-down" : "chevron-up") : "selector"} size={14} />
        </UnstyledButton>
      ) : (
        column.label
      )}
    </MantineTable.Th>
  );
}

function SelectAll({ rows, view }: { rows: readonly Item[]; view: TableView }) {
  const reach = rows.slice(0, MOST_SELECTED);
  const count = reach.filter((row) => view.selected.has(row._id)).length;
  return (
    <MantineTable.Th w={44}>
      <Checkbox
        checked={count > 0 && count === reach.length}
        indeterminate={count > 0 && count < reach.length}
        onChange={(event) =>
          view.setSelected(new Set(event.currentTarget.checked ? reach.map((row) => row._id) : []))
        }
        aria-label="Select all rows"
      />
    </MantineTable.Th>
  );
}
