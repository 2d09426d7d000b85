import { ActionIcon, Box, Button, Input, Table, Text, VisuallyHidden } from "@mantine/core";
import { useRef } from "react";
import { Icon } from "@/shared/icons/Icon";
import { sentence } from "../form/validate";
import { initialValues } from "../form/values";
import { isObject, type Values } from "../lib/path";
import { FieldInput } from "./FieldInput";
import { Help } from "./frame";
import type { FieldProps } from "./types";

const NONE: unknown[] = [];

/** A list of rows; each cell is a field of its own. */
export default function TableField({
  field,
  value,
  onChange,
  error,
  errors,
  disabled,
  pluginKey,
}: FieldProps<"table">) {
  const rows = Array.isArray(value) ? value : NONE;
  const columns = field.columns ?? [];
  const keys = useRowKeys(rows.length);
  const isFull = typeof field.max_rows === "number" && rows.length >= field.max_rows;
  const isLeast = typeof field.min_rows === "number" && rows.length <= field.min_rows;

  const change = (index: number, id: string, next: unknown) =>
    onChange(rows.map((row, at) => (at === index ? { ...(isObject(row) ? row : {}), [id]: next } : row)));
  const remove = (index: number) => {
    keys.splice(index, 1);
    onChange(rows.filter((_, at) => at !== index));
  };

  return (
    <Box role="group" aria-label={field.label} data-field={field.id}>
      <Input.Label required={field.required === true} component="div" display="block" mb={4}>
        {field.label}
      </Input.Label>
      {field.description && <Input.Description>{field.description}</Input.Description>}
      {rows.length > 0 && (
        <Table.ScrollContainer minWidth={Math.min(160 * columns.length + 60, 1200)}>
          <Table verticalSpacing={6} horizontalSpacing={6} withRowBorders={false}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column.id} fz="xs">
                    {column.label}
                    {column.required && (
                      <Text span c="red" aria-hidden>
                        {" *"}
                      </Text>
                    )}
                  </Table.Th>
                ))}
                <Table.Th w={44}>
                  <VisuallyHidden>Remove</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row, index) => {
                const cells: Values = isObject(row) ? row : {};
                return (
                  <Table.Tr key={keys[index]} style={{ verticalAlign: "top" }}>
                    {columns.map((column) => (
                      <Table.Td key={column.id}>
                        <FieldInput
                          field={column}
                          value={cells[column.id]}
                          onChange={(next) => change(index, column.id, next)}
                          error={errors?.[`${field.id}[${index}].${column.id}`]}
                          disabled={disabled}
                          pluginKey={pluginKey}
                          bare
                        />
                      </Table.Td>
                    ))}
                    <Table.Td>
                      <ActionIcon
                        variant="subtle"
                        color="red"
                        size={36}
                        aria-label={`Remove row ${index + 1} of ${field.label}`}
                        disabled={disabled || isLeast}
                        onClick={() => remove(index)}
                      >
                        <Icon name="trash" size={16} />
                      </ActionIcon>
                    </Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Button
        variant="default"
        size="xs"
        mt={6}
        leftSection={<Icon name="plus" size={14} />}
        disabled={disabled || isFull}
        onClick={() => onChange([...rows, initialValues(columns)])}
      >
        Add row
      </Button>
      {field.help_text && <Help>{field.help_text}</Help>}
      {error && <Input.Error mt={4}>{sentence(error)}</Input.Error>}
    </Box>
  );
}

/** Rows have no ids of their own: a key each, so that an input keeps its focus when a row above goes. */
function useRowKeys(count: number): number[] {
  const state = useRef({ keys: [] as number[], next: 0 });
  const { keys } = state.current;
  while (keys.length < count) keys.push(state.current.next++);
  keys.length = count;
  return keys;
}
