import { Box, Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

export interface PageProps {
  title: string;
  description?: ReactNode;
  /** Before the title, e.g. a way back. */
  before?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page of the shell: one heading, its actions, its content; the browser's tab carries the title. */
export function Page({ title, description, before, actions, children }: PageProps) {
  useTitle(title);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" gap="md">
        <Box style={{ flex: "1 1 260px", minWidth: 0 }}>
          {before}
          <Title order={1} size="h2" lh={1.25}>
            {title}
          </Title>
          {description && (
            <Text c="dimmed" size="sm" mt={4} component="div">
              {description}
            </Text>
          )}
        </Box>
        {actions && <Group gap="sm">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Plugarr`;
    return () => {
      document.title = "Plugarr";
    };
  }, [title]);
}
