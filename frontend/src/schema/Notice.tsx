import { Alert, Code, Text } from "@mantine/core";
import { Icon } from "@/shared/icons/Icon";

/** Stands in the place of a component that cannot be drawn; the rest of the page works. */
export function Notice({ title, errors }: { title: string; errors: readonly string[] }) {
  return (
    <Alert color="red" variant="light" icon={<Icon name="alert-triangle" />} title={title} data-ui="notice">
      {errors.map((error) => (
        <Line key={error} error={error} />
      ))}
    </Alert>
  );
}

/** `components[2].data_source: is missing`, with the path set apart. */
function Line({ error }: { error: string }) {
  const [, path, message] = /^([\w.[\]-]+): (.*)$/s.exec(error) ?? [];
  return (
    <Text size="sm" style={{ overflowWrap: "anywhere" }}>
      {path ? (
        <>
          <Code>{path}</Code> {message}
        </>
      ) : (
        error
      )}
    </Text>
  );
}
