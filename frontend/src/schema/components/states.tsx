import { Alert, Button, Center, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { messageOf } from "@/shared/api/problem";
import { Icon } from "@/shared/icons/Icon";

export { Stale } from "@/shared/ui/states";

/** What a list says while it holds nothing. */
export function Empty({
  message,
  icon = "inbox",
  children,
}: {
  message: string;
  icon?: string;
  children?: ReactNode;
}) {
  return (
    <Center py="xl" px="md" data-state="empty">
      <Stack align="center" gap="xs">
        <Text c="dimmed" component="span" lh={0}>
          <Icon name={icon} size={32} />
        </Text>
        <Text c="dimmed" size="sm" ta="center">
          {message}
        </Text>
        {children}
      </Stack>
    </Center>
  );
}

/** What a list says where its documents could not be read. */
export function Failed({ error, retry }: { error: unknown; retry: () => unknown }) {
  return (
    <Alert
      color="red"
      variant="light"
      icon={<Icon name="alert-circle" />}
      title="The data could not be read"
      data-state="error"
    >
      <Text size="sm" mb="xs">
        {messageOf(error)}
      </Text>
      <Button size="xs" variant="default" onClick={() => void retry()}>
        Try again
      </Button>
    </Alert>
  );
}
