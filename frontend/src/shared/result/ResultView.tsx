import { Anchor, Button, Group, Stack, Table, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { showError } from "../actions/notify";
import { messageIn } from "../actions/outcome";
import { fetchAsUser } from "../api/client";
import { toApiError } from "../api/problem";
import { saveAs } from "../api/upload";
import { bytes } from "../format";
import { Icon } from "../icons/Icon";
import { JsonView } from "../ui/JsonView";
import classes from "../ui/ui.module.css";
import { cellText, type FileRef, found, type Part, partsOf } from "./parts";

const ROWS_AT_ONCE = 100;

/** Everything that a result says: its message, values, tables, files, and the rest as JSON. */
export function ResultView({ result, withMessage = true }: { result: unknown; withMessage?: boolean }) {
  const message = withMessage ? messageIn(result) : undefined;
  const parts = partsOf(result);
  return (
    <Stack gap="sm">
      {message && (
        <Text size="sm" className="notice-text">
          {message}
        </Text>
      )}
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one result never move
        <PartView key={index} part={part} />
      ))}
      {!message && parts.length === 0 && (
        <Text size="sm" c="dimmed">
          It returned nothing to show.
        </Text>
      )}
    </Stack>
  );
}

function PartView({ part }: { part: Part }) {
  switch (part.kind) {
    case "values":
      return (
        <Table variant="vertical" withTableBorder fz="sm" layout="fixed">
          <Table.Tbody>
            {part.values.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th w={180}>{name}</Table.Th>
                <Table.Td>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      );
    case "table":
      return <ResultTable part={part} />;
    case "files":
      return (
        <Stack gap={4}>
          {part.files.map((file) => (
            <FileLink key={file.id} file={file} />
          ))}
        </Stack>
      );
    case "json":
      return (
        <div>
          <Text size="xs" fw={600} mb={4}>
            {part.name}
          </Text>
          <JsonView value={part.value} label={part.name} />
        </div>
      );
  }
}

function ResultTable({ part }: { part: Part & { kind: "table" } }) {
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(ROWS_AT_ONCE);
  const rows = found(part.rows, search);
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Text size="xs" fw={600}>
          {part.name}{" "}
          <Text span inherit c="dimmed" fw={400}>
            {search ? `${rows.length} of ${part.rows.length}` : part.rows.length}
          </Text>
        </Text>
        {part.rows.length > 5 && (
          <TextInput
            size="xs"
            w={200}
            placeholder="Search"
            aria-label={`Search ${part.name}`}
            leftSection={<Icon name="search" size={14} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        )}
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={classes.scroll} tabIndex={0} aria-label={part.name}>
        <Table fz="sm" striped>
          <Table.Thead>
            <Table.Tr>
              {part.columns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.slice(0, shown).map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows of a result have no names
              <Table.Tr key={index}>
                {part.columns.map((column) => (
                  <Table.Td key={column}>{cellText(row[column])}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {rows.length > shown && (
        <Button size="xs" variant="default" onClick={() => setShown(shown + 10 * ROWS_AT_ONCE)}>
          Show more ({rows.length - shown} left)
        </Button>
      )}
    </Stack>
  );
}

function FileLink({ file }: { file: FileRef }) {
  const download = async () => {
    try {
      const url = new URL(`/api/files/${encodeURIComponent(file.id)}/`, location.origin);
      const response = await fetchAsUser(new Request(url));
      if (!response.ok) throw toApiError(response, await response.json().catch(() => null));
      saveAs(await response.blob(), file.name);
    } catch (error) {
      showError(`Could not download ${file.name}`, error);
    }
  };
  return (
    <Group gap={6}>
      <Icon name="download" size={16} />
      <Anchor component="button" type="button" size="sm" onClick={() => void download()}>
        {file.name}
      </Anchor>
      <Text size="xs" c="dimmed">
        {bytes(file.size)}
      </Text>
    </Group>
  );
}
