import {
  Box,
  Card as MantineCard,
  Group as MantineGroup,
  Stack as MantineStack,
  SimpleGrid,
  Title,
} from "@mantine/core";
import { length } from "../lib/style";
import { Nodes } from "../Node";
import type { NodeProps } from "../types";

export function Stack({ node }: NodeProps<"stack">) {
  return (
    <MantineStack gap={length(node.gap) ?? "md"} data-ui="stack">
      <Nodes nodes={node.components} />
    </MantineStack>
  );
}

const JUSTIFY = new Set(
  "start end center flex-start flex-end left right space-between space-around space-evenly stretch".split(
    " ",
  ),
);

export function Group({ node }: NodeProps<"group">) {
  const justify = node.justify && JUSTIFY.has(node.justify) ? node.justify : undefined;
  return (
    <MantineGroup gap={length(node.gap) ?? "md"} justify={justify} align="center" data-ui="group">
      <Nodes nodes={node.components} />
    </MantineGroup>
  );
}

export function Grid({ node }: NodeProps<"grid">) {
  const columns = node.columns ?? 3;
  return (
    <SimpleGrid
      type="container"
      cols={{ base: 1, "400px": Math.min(2, columns), "520px": Math.min(3, columns), "720px": columns }}
      spacing={length(node.gap) ?? "md"}
      data-ui="grid"
    >
      <Nodes nodes={node.components} />
    </SimpleGrid>
  );
}

export function Card({ node }: NodeProps<"card">) {
  return (
    <MantineCard
      withBorder
      radius="md"
      padding="lg"
      data-ui="card"
      component="section"
      aria-label={node.title ?? undefined}
    >
      {node.title && (
        <Title order={2} size="h4" mb="md">
          {node.title}
        </Title>
      )}
      <MantineStack gap="md">
        <Nodes nodes={node.components} />
      </MantineStack>
    </MantineCard>
  );
}

/** Drawn elsewhere. */
export function Nowhere() {
  return <Box hidden />;
}
