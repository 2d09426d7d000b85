import { CloseButton, Group, Loader, Select, Text, TextInput } from "@mantine/core";
import { Icon } from "@/shared/icons/Icon";
import type { Filter } from "../../data/collections";
import { text } from "../../lib/format";
import type { Column, NodeOf } from "../../types";
import type { TableView } from "./view";

interface Props {
  node: NodeOf<"table">;
  columns: readonly Column[];
  view: TableView;
  total: number;
  busy: boolean;
}

/** Search, where the author asks for it, and a filter for each column that wants one. */
export function Toolbar({ node, columns, view, total, busy }: Props) {
  const filtered = columns.filter((column) => column.filterable);
  if (!node.searchable && !filtered.length) return null;
  return (
    <Group mb="sm" gap="sm" align="flex-end">
      {node.searchable && (
        <TextInput
          type="search"
          aria-label="Search"
          placeholder="Search…"
          value={view.typed}
          onChange={(event) => view.setSearch(event.currentTarget.value)}
          leftSection={<Icon name="search" size={16} />}
          rightSection={
            busy ? (
              <Loader size={14} />
            ) : view.typed ? (
              <CloseButton size="sm" aria-label="Clear the search" onClick={() => view.setSearch("")} />
            ) : null
          }
          w={{ base: "100%", xs: 260 }}
          maxLength={200}
        />
      )}
      {filtered.map((column) => (
        <ColumnFilter key={column.id} column={column} view={view} />
      ))}
      <Text size="sm" c="dimmed" ml="auto" role="status" data-part="count">
        {total.toLocaleString()} {total === 1 ? "row" : "rows"}
      </Text>
    </Group>
  );
}

function ColumnFilter({ column, view }: { column: Column; view: TableView }) {
  const current = view.filters.find((filter) => filter.field === column.id);
  const set = (filter: Filter | null) => view.setFilter(column.id, filter);
  const options = optionsOf(column);
  const label = `Filter by ${column.label}`;
  if (!options) {
    return (
      <TextInput
        aria-label={label}
        placeholder={column.label}
        value={current ? String(current.value) : ""}
        onChange={({ currentTarget: { value } }) =>
          set(value ? { field: column.id, op: "contains", value } : null)
        }
        leftSection={<Icon name="filter" size={16} />}
        w={180}
      />
    );
  }
  return (
    <Select
      aria-label={label}
      placeholder={column.label}
      data={options.map((option, index) => ({ value: String(index), label: option.label }))}
      value={current ? String(options.findIndex((option) => option.value === current.value)) : null}
      onChange={(key) =>
        set(key === null ? null : { field: column.id, op: "eq", value: options[Number(key)]?.value })
      }
      leftSection={<Icon name="filter" size={16} />}
      clearable
      clearButtonProps={{ "aria-label": `Clear the filter by ${column.label}` }}
      w={180}
    />
  );
}

function optionsOf(column: Column): { value: unknown; label: string }[] | null {
  if (column.options) {
    return column.options.map((option) =>
      typeof option === "object" && option !== null ? option : { value: option, label: text(option) },
    );
  }
  if (column.render !== "boolean") return null;
  return [
    { value: true, label: "Yes" },
    { value: false, label: "No" },
  ];
}
