import {
  Avatar,
  Box,
  Menu,
  SegmentedControl,
  Text,
  UnstyledButton,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { lazy, Suspense } from "react";
import { session } from "@/shared/api/session";
import { Icon } from "@/shared/icons/Icon";
import { useUser } from "../user";
import classes from "./shell.module.css";

const PasswordDialog = lazy(() => import("@/features/accounts/PasswordDialog"));

const LEVEL = { viewer: "Viewer", user: "User", admin: "Administrator" };

export function UserMenu() {
  const user = useUser();
  const [changing, { open, close }] = useDisclosure(false);
  return (
    <>
      <Menu position="top-start" width={240} withArrow shadow="md" closeOnItemClick={false}>
        <Menu.Target>
          <UnstyledButton className={classes.user} aria-label={`Account of ${user.username}`}>
            <Avatar size={32} radius="xl" color="brand" name={user.username} aria-hidden />
            <Box miw={0} flex={1}>
              <Text size="sm" fw={600} truncate>
                {user.username}
              </Text>
              <Text size="xs" c="dimmed">
                {LEVEL[user.level]}
              </Text>
            </Box>
            <Icon name="dots-vertical" size={16} />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Appearance</Menu.Label>
          <Box px="xs" pb="xs">
            <ColorScheme />
          </Box>
          <Menu.Divider />
          <Menu.Item leftSection={<Icon name="key" size={16} />} onClick={open} closeMenuOnClick>
            Change password
          </Menu.Item>
          <Menu.Item
            leftSection={<Icon name="logout" size={16} />}
            onClick={() => session.end()}
            closeMenuOnClick
          >
            Log out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {changing && (
        <Suspense>
          <PasswordDialog onClose={close} />
        </Suspense>
      )}
    </>
  );
}

function ColorScheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const option = (value: string, icon: string, label: string) => ({
    value,
    label: <Icon name={icon} size={16} label={label} />,
  });
  return (
    <SegmentedControl
      fullWidth
      size="xs"
      aria-label="Appearance"
      value={colorScheme}
      onChange={(value) => setColorScheme(value as typeof colorScheme)}
      data={[
        option("light", "sun", "Light"),
        option("dark", "moon", "Dark"),
        option("auto", "device-desktop", "As the system"),
      ]}
    />
  );
}
