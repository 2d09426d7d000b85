import {
  ActionIcon,
  Badge,
  Button,
  Card,
  Group,
  Menu,
  Select,
  Switch,
  Table,
  Text,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { useState } from "react";
import { useUser } from "@/app/user";
import { ask } from "@/shared/actions/confirm";
import type { Level, User } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { Loaded, Loading } from "@/shared/ui/states";
import { When } from "@/shared/ui/When";
import { UserDialog } from "./UserDialog";
import { LEVELS, useDeleteUser, useUpdateUser, useUsers } from "./useAccounts";

export function UsersCard() {
  const users = useUsers();
  const [editing, setEditing] = useState<User | "new" | null>(null);
  return (
    <Card withBorder radius="lg" p={0} component="section" aria-labelledby="users">
      <Group justify="space-between" p="md">
        <Title order={2} size="h4" id="users">
          Users
        </Title>
        <Button size="xs" leftSection={<Icon name="plus" size={14} />} onClick={() => setEditing("new")}>
          New user
        </Button>
      </Group>
      <Loaded query={users} loading={<Loading rows={3} height={44} />} what="The users could not be loaded">
        {({ users: list }) => (
          <Table.ScrollContainer minWidth={620} type="native">
            <Table verticalSpacing="xs" horizontalSpacing="md" fz="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Level</Table.Th>
                  <Table.Th>May log in</Table.Th>
                  <Table.Th>Last login</Table.Th>
                  <Table.Th>
                    <VisuallyHidden>More</VisuallyHidden>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {list.map((user) => (
                  <UserRow key={user.id} user={user} onPassword={() => setEditing(user)} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Loaded>
      {editing && <UserDialog user={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
    </Card>
  );
}

function UserRow({ user, onPassword }: { user: User; onPassword: () => void }) {
  const me = useUser();
  const update = useUpdateUser();
  const remove = useDeleteUser();
  const own = me.id === user.id;
  const del = async () => {
    const yes = await ask({
      title: `Delete ${user.username}?`,
      message: "Their keys and logins are refused at once. What they ran stays in the history.",
      confirmLabel: "Delete",
      color: "red",
    });
    if (yes) remove.mutate(user);
  };
  return (
    <Table.Tr data-user={user.username}>
      <Table.Td>
        <Group gap="xs" wrap="nowrap">
          <Text size="sm" fw={500}>
            {user.username}
          </Text>
          {own && (
            <Badge size="sm" variant="light" tt="none">
              You
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>
        <Select
          size="xs"
          w={150}
          aria-label={`Level of ${user.username}`}
          allowDeselect={false}
          data={LEVELS}
          value={user.level}
          disabled={own || update.isPending}
          onChange={(level) => level && update.mutate({ user, level: level as Level })}
        />
      </Table.Td>
      <Table.Td>
        <Switch
          checked={user.active}
          disabled={own || update.isPending}
          aria-label={`${user.username} may log in`}
          withThumbIndicator={false}
          onChange={(event) => update.mutate({ user, active: event.currentTarget.checked })}
        />
      </Table.Td>
      <Table.Td>{user.last_login ? <When at={user.last_login} /> : "never"}</Table.Td>
      <Table.Td ta="right">
        <Menu position="bottom-end" shadow="md" withArrow>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={`More of ${user.username}`}>
              <Icon name="dots-vertical" size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<Icon name="key" size={16} />} onClick={onPassword}>
              Set a new password
            </Menu.Item>
            {!own && (
              <Menu.Item color="red" leftSection={<Icon name="trash" size={16} />} onClick={() => void del()}>
                Delete
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      </Table.Td>
    </Table.Tr>
  );
}
