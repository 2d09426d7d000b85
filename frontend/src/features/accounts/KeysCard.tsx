import {
  ActionIcon,
  Alert,
  Button,
  Card,
  Code,
  Group,
  Modal,
  Stack,
  Switch,
  Table,
  Text,
  TextInput,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useUser } from "@/app/user";
import { ask } from "@/shared/actions/confirm";
import { keys } from "@/shared/api/keys";
import { messageOf } from "@/shared/api/problem";
import type { ApiKey } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { Copy } from "@/shared/ui/Copy";
import { Empty, Loaded, Loading } from "@/shared/ui/states";
import { When } from "@/shared/ui/When";
import { createKey, useApiKeys, useDeleteKey, useUsers } from "./useAccounts";

export function KeysCard({ admin }: { admin: boolean }) {
  const [all, setAll] = useState(false);
  const [creating, setCreating] = useState(false);
  const list = useApiKeys(all);
  return (
    <Card withBorder radius="lg" p={0} component="section" aria-labelledby="api-keys">
      <Group justify="space-between" p="md">
        <Title order={2} size="h4" id="api-keys">
          API keys
        </Title>
        <Group gap="md">
          {admin && (
            <Switch
              size="xs"
              label="Everybody's"
              checked={all}
              withThumbIndicator={false}
              onChange={(event) => setAll(event.currentTarget.checked)}
            />
          )}
          <Button size="xs" leftSection={<Icon name="plus" size={14} />} onClick={() => setCreating(true)}>
            New key
          </Button>
        </Group>
      </Group>
      <Loaded query={list} loading={<Loading rows={2} height={44} />} what="The keys could not be loaded">
        {(found) =>
          found.keys.length === 0 ? (
            <Empty icon="key" title="No keys yet">
              A program sends one in the header <Code>X-API-Key</Code>, and may then do what you may.
            </Empty>
          ) : (
            <KeyTable list={found.keys} owners={all} />
          )
        }
      </Loaded>
      {creating && <KeyDialog onClose={() => setCreating(false)} />}
    </Card>
  );
}

function KeyTable({ list, owners }: { list: ApiKey[]; owners: boolean }) {
  const me = useUser();
  const remove = useDeleteKey();
  const del = async (key: ApiKey) => {
    const yes = await ask({
      title: `Delete the key ${key.name}?`,
      message: "Programs that use it are refused at once.",
      confirmLabel: "Delete",
      color: "red",
    });
    if (yes) remove.mutate(key);
  };
  return (
    <Table.ScrollContainer minWidth={520} type="native">
      <Table verticalSpacing="xs" horizontalSpacing="md" fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Begins with</Table.Th>
            {owners && <Table.Th>Whose</Table.Th>}
            <Table.Th>Made</Table.Th>
            <Table.Th>Last used</Table.Th>
            <Table.Th>
              <VisuallyHidden>More</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {list.map((key) => (
            <Table.Tr key={key.id} data-key={key.name}>
              <Table.Td fw={500}>{key.name}</Table.Td>
              <Table.Td>
                <Code>{key.prefix}…</Code>
              </Table.Td>
              {owners && (
                <Table.Td>{key.user_id === me.id ? "yours" : <OwnerName id={key.user_id} />}</Table.Td>
              )}
              <Table.Td>
                <When at={key.created_at} />
              </Table.Td>
              <Table.Td>{key.last_used ? <When at={key.last_used} /> : "never"}</Table.Td>
              <Table.Td ta="right">
                <ActionIcon
                  variant="subtle"
                  color="red"
                  c="var(--mantine-color-error)"
                  aria-label={`Delete the key ${key.name}`}
                  onClick={() => void del(key)}
                >
                  <Icon name="trash" size={16} />
                </ActionIcon>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function OwnerName({ id }: { id: string }) {
  const { data } = useUsers();
  return <>{data?.users.find((user) => user.id === id)?.username ?? id}</>;
}

function KeyDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [secret, setSecret] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    if (!name) {
      setProblem("It needs a name.");
      return;
    }
    setBusy(true);
    try {
      const made = await createKey(name);
      await client.invalidateQueries({ queryKey: keys.apiKeys });
      setSecret(made.secret);
    } catch (error) {
      setProblem(messageOf(error));
    }
    setBusy(false);
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title="New API key"
      centered
      // A click beside it or a key pressed too often would lose the secret for good.
      closeOnClickOutside={secret === null}
      closeOnEscape={secret === null}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {secret === null ? (
        <form onSubmit={submit} noValidate>
          <Stack>
            <TextInput
              name="name"
              label="Name"
              description="What it is for, so that you know it when you see it again."
              required
              autoComplete="off"
              data-autofocus
              error={problem}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={busy}>
                Create
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack>
          <Alert color="green" icon={<Icon name="check" />} title="Copy it now">
            It is shown this once only.
          </Alert>
          <Group gap="xs" wrap="nowrap">
            <Code
              block
              flex={1}
              data-testid="secret"
              style={{ wordBreak: "break-all", whiteSpace: "pre-wrap" }}
            >
              {secret}
            </Code>
            <Copy value={secret} label="Copy the key" />
          </Group>
          <Text size="xs" c="dimmed">
            Send it in the header <Code>X-API-Key</Code>.
          </Text>
          <Group justify="flex-end">
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
