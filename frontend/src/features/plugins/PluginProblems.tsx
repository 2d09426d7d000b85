import { Alert, Code, Collapse, Group, List, Stack, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Plugin, Schemas } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";

type Problem = Schemas["Problem"];

/** What is wrong with a plugin: where, and what to do about it. */
export function PluginProblems({ plugin }: { plugin: Plugin }) {
  return (
    <>
      {plugin.load_error && (
        <Alert color="red" icon={<Icon name="alert-circle" />} title="It could not be loaded" p="sm">
          <Text size="xs" className="notice-text" ff="monospace">
            {plugin.load_error}
          </Text>
        </Alert>
      )}
      <Problems list={plugin.errors} color="red" word="error" />
      <Problems list={plugin.warnings} color="yellow" word="warning" />
    </>
  );
}

function Problems({ list, color, word }: { list: Problem[]; color: string; word: string }) {
  const [opened, { toggle }] = useDisclosure(false);
  if (list.length === 0) return null;
  const title = list.length === 1 ? `1 ${word}` : `${list.length} ${word}s`;
  return (
    <Alert color={color} icon={<Icon name="alert-triangle" />} p="sm" data-testid={`${word}s`}>
      <UnstyledButton onClick={toggle} aria-expanded={opened} fz="sm" fw={600} c="inherit" w="100%">
        <Group justify="space-between" wrap="nowrap" component="span">
          {title}
          <Icon name={opened ? "chevron-up" : "chevron-down"} size={16} />
        </Group>
      </UnstyledButton>
      <Collapse expanded={opened}>
        <List size="xs" spacing="xs" mt="xs" listStyleType="none" pe={0}>
          {list.map((problem) => (
            <List.Item key={`${problem.path} ${problem.message}`}>
              <Stack gap={2}>
                <span>
                  {problem.path && <Code>{problem.path}</Code>} {problem.message}
                </span>
                {problem.remedy && <span>→ {problem.remedy}</span>}
              </Stack>
            </List.Item>
          ))}
        </List>
      </Collapse>
    </Alert>
  );
}
