import {
  Alert,
  Button,
  Center,
  Group,
  Skeleton,
  Stack,
  Text,
  ThemeIcon,
  VisuallyHidden,
} from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError, messageOf } from "../api/problem";
import { Icon } from "../icons/Icon";

/** What is drawn while something comes: grey bars about as tall as it will be. */
export function Loading({ rows = 3, height = 56 }: { rows?: number; height?: number }) {
  return (
    <Stack gap="sm" role="status" aria-busy="true">
      <VisuallyHidden>Loading…</VisuallyHidden>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: grey bars are all alike
        <Skeleton key={row} height={height} radius="md" />
      ))}
    </Stack>
  );
}

export interface EmptyProps {
  icon?: string;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function Empty({ icon = "puzzle", title, children, action }: EmptyProps) {
  return (
    <Center py={64} px="md">
      <Stack align="center" gap="sm" maw={420}>
        <ThemeIcon size={56} radius="xl" variant="light" color="gray">
          <Icon name={icon} size={28} />
        </ThemeIcon>
        <Text fw={600} size="lg" ta="center">
          {title}
        </Text>
        {children && (
          <Text c="dimmed" size="sm" ta="center" component="div">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}

export function Failed({ error, retry, what }: { error: unknown; retry?: () => void; what?: string }) {
  const refused = error instanceof ApiError && error.status === 403;
  return (
    <Alert
      color={refused ? "gray" : "red"}
      icon={<Icon name={refused ? "lock" : "alert-triangle"} />}
      title={refused ? "You may not see this" : (what ?? "This could not be loaded")}
      role="alert"
    >
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{messageOf(error)}</Text>
        {retry && !refused && (
          <Button size="xs" variant="default" leftSection={<Icon name="refresh" size={14} />} onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

export interface LoadedProps<T> {
  query: Pick<UseQueryResult<T>, "data" | "error" | "refetch" | "isPending">;
  children: (data: T) => ReactNode;
  loading?: ReactNode;
  what?: string;
}

/** Draws what a query brings, or that it is on its way, or why it does not come. */
export function Loaded<T>({ query, children, loading, what }: LoadedProps<T>) {
  if (query.data !== undefined) {
    return (
      <>
        {query.error && <Stale error={query.error} retry={() => void query.refetch()} />}
        {children(query.data)}
      </>
    );
  }
  if (query.error) return <Failed error={query.error} retry={() => void query.refetch()} what={what} />;
  return loading ?? <Loading />;
}

/** What was read before still helps; that it is old has to be said. */
export function Stale({ error, retry }: { error: unknown; retry: () => unknown }) {
  return (
    <Alert color="yellow" py="xs" mb="md" icon={<Icon name="alert-triangle" />} role="status">
      <Group justify="space-between" gap="xs">
        <Text size="sm">This may be out of date: {messageOf(error)}</Text>
        <Button size="compact-xs" variant="default" onClick={() => void retry()}>
          Try again
        </Button>
      </Group>
    </Alert>
  );
}
