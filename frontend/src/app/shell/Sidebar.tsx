import { Badge, Box, Divider, Group, ScrollArea, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { NavLink } from "react-router";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import type { NavigationItem } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { useLiveQuery } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";
import { Logo } from "@/shared/ui/Logo";
import { ConnectionDot, ConnectionNotice } from "./Connection";
import classes from "./shell.module.css";
import { UserMenu } from "./UserMenu";

const PLATFORM = [
  { to: "/plugins", label: "Plugins", icon: "plug", end: true },
  { to: "/runs", label: "Runs", icon: "list-details" },
  { to: "/schedules", label: "Schedules", icon: "calendar-time" },
  { to: "/users", label: "Users & API keys", icon: "users" },
];

export function Sidebar({ close }: { close: () => void }) {
  useLiveQuery(topics.navigation, keys.navigation, keys.pages);
  const { data } = useQuery({
    queryKey: keys.navigation,
    queryFn: () => call(api.GET("/api/plugins/navigation/")),
  });
  const items = data?.navigation ?? [];
  const upper = items.filter((item) => item.position !== "bottom");
  const bottom = items.filter((item) => item.position === "bottom");
  return (
    <>
      <Group gap="sm" px="md" h={64} wrap="nowrap">
        <Logo />
        <Text fw={700} size="lg">
          Plugarr
        </Text>
        <ConnectionDot ml="auto" />
      </Group>
      <ScrollArea flex={1} type="auto" px="sm" scrollbarSize={6}>
        <Stack gap={2} pb="sm">
          {PLATFORM.map((link) => (
            <NavLink key={link.to} to={link.to} end={link.end} className={classes.link} onClick={close}>
              <Icon name={link.icon} />
              <span className={classes.label}>{link.label}</span>
            </NavLink>
          ))}
        </Stack>
        {upper.length > 0 && (
          <Box pt="md" pb="sm">
            <p className={classes.heading} id="plugin-pages">
              From plugins
            </p>
            <Links items={upper} close={close} labelledBy="plugin-pages" />
          </Box>
        )}
      </ScrollArea>
      <Stack gap="xs" p="sm" pt={0}>
        <Divider />
        {bottom.length > 0 && <Links items={bottom} close={close} label="More from plugins" />}
        <ConnectionNotice />
        <UserMenu />
      </Stack>
    </>
  );
}

interface LinksProps {
  items: NavigationItem[];
  close: () => void;
  label?: string;
  labelledBy?: string;
}

function Links({ items, close, label, labelledBy }: LinksProps) {
  return (
    <Stack gap={2} role="group" aria-label={label} aria-labelledby={labelledBy} data-testid="plugin-links">
      {items.map((item) => (
        <NavLink key={item.key} to={item.path} className={classes.link} onClick={close}>
          <Icon name={item.icon} />
          <span className={classes.label} title={item.label}>
            {item.label}
          </span>
          {item.badge !== null && item.badge !== "" && (
            <Badge size="sm" variant="light" tt="none" maw={90} data-testid="nav-badge">
              {item.badge}
            </Badge>
          )}
        </NavLink>
      ))}
    </Stack>
  );
}
