import { Box, Center, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Logo } from "@/shared/ui/Logo";
import { useTitle } from "@/shared/ui/Page";

/** What is seen before anybody is logged in: a card in the middle. */
export function Entrance({ title, text, children }: { title: string; text: ReactNode; children: ReactNode }) {
  useTitle(title);
  return (
    <Center component="main" mih="100dvh" p="md" className="entrance">
      <Box w="100%" maw={400}>
        <Stack align="center" gap="xs" mb="lg">
          <Logo size={52} />
          <Text fw={700} size="xl">
            Plugarr
          </Text>
        </Stack>
        <Paper withBorder shadow="sm" radius="lg" p="xl">
          <Title order={1} size="h3">
            {title}
          </Title>
          <Text c="dimmed" size="sm" mt={4} mb="lg">
            {text}
          </Text>
          {children}
        </Paper>
      </Box>
    </Center>
  );
}
