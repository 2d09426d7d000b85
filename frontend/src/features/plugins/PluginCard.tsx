import {
  Anchor,
  Badge,
  Box,
  Button,
  Card,
  Group,
  Image,
  Loader,
  Stack,
  Switch,
  Text,
  ThemeIcon,
  Title,
} from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import { useMay } from "@/app/user";
import type { Plugin } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { DeleteDialog } from "./DeleteDialog";
import { PluginActions } from "./PluginActions";
import { PluginMenu } from "./PluginMenu";
import { PluginProblems } from "./PluginProblems";
import classes from "./plugins.module.css";
import { useEnableWithTrust } from "./trust";
import { logoPath, whereabouts } from "./usePlugins";

export function PluginCard({ plugin, onSettings }: { plugin: Plugin; onSettings: () => void }) {
  const admin = useMay("admin");
  const [deleting, setDeleting] = useState(false);
  const pages = Object.keys(plugin.pages).length;
  return (
    <Card
      component="article"
      withBorder
      radius="lg"
      padding="lg"
      aria-labelledby={`plugin-${plugin.key}`}
      data-plugin={plugin.key}
    >
      <Stack gap="md">
        <Group gap="md" wrap="nowrap" align="flex-start">
          <PluginLogo plugin={plugin} />
          <Box flex={1} miw={0}>
            <Group gap={8}>
              <Title order={2} size="h4" id={`plugin-${plugin.key}`}>
                {plugin.name}
              </Title>
              {plugin.version && (
                <Badge variant="default" tt="none" size="sm">
                  {plugin.version}
                </Badge>
              )}
              <Marks plugin={plugin} />
            </Group>
            <Byline plugin={plugin} />
          </Box>
          <EnableSwitch plugin={plugin} disabled={!admin} />
        </Group>
        {plugin.description && (
          <Text size="sm" lineClamp={4}>
            {plugin.description}
          </Text>
        )}
        <PluginProblems plugin={plugin} />
        {plugin.enabled && plugin.actions.length > 0 && <PluginActions plugin={plugin} />}
        <Group justify="space-between" gap="sm" mt="auto">
          <Home plugin={plugin} />
          <Group gap="xs" ml="auto" wrap="nowrap">
            {plugin.enabled && pages > 0 && (
              <Button
                component={Link}
                to={`/plugins/${encodeURIComponent(plugin.key)}`}
                size="xs"
                variant="light"
                leftSection={<Icon name="external-link" size={14} />}
              >
                Open
              </Button>
            )}
            {plugin.fields.length > 0 && admin && (
              <Button
                size="xs"
                variant="default"
                leftSection={<Icon name="settings" size={14} />}
                onClick={onSettings}
              >
                Settings
              </Button>
            )}
            <PluginMenu plugin={plugin} onDelete={() => setDeleting(true)} />
          </Group>
        </Group>
      </Stack>
      {deleting && <DeleteDialog plugin={plugin} onClose={() => setDeleting(false)} />}
    </Card>
  );
}

export function PluginLogo({ plugin, size = 44 }: { plugin: Plugin; size?: number }) {
  const [broken, setBroken] = useState(false);
  const logo = logoPath(plugin);
  if (logo && !broken) {
    return (
      <Image
        src={logo}
        alt=""
        w={size}
        h={size}
        radius="md"
        fit="contain"
        onError={() => setBroken(true)}
        flex="none"
      />
    );
  }
  return (
    <ThemeIcon size={size} radius="md" variant="light" color={plugin.enabled ? "brand" : "gray"} flex="none">
      <Icon name={plugin.navigation?.icon ?? "puzzle"} size={size * 0.55} />
    </ThemeIcon>
  );
}

function Marks({ plugin }: { plugin: Plugin }) {
  return (
    <>
      {plugin.missing && (
        <Badge color="red" variant="light" size="sm" tt="none">
          Files are gone
        </Badge>
      )}
      {plugin.invalid && (
        <Badge color="red" variant="light" size="sm" tt="none">
          Invalid
        </Badge>
      )}
      {plugin.enabled && !plugin.loaded && !plugin.missing && (
        <Badge color={plugin.load_error ? "red" : "gray"} variant="light" size="sm" tt="none">
          {plugin.load_error ? "Did not load" : "Not loaded yet"}
        </Badge>
      )}
    </>
  );
}

function Byline({ plugin }: { plugin: Plugin }) {
  const parts = [
    plugin.author && <span key="author">by {plugin.author}</span>,
    <code key="key">{plugin.key}</code>,
    plugin.help_url && /^https?:/.test(plugin.help_url) && (
      <Anchor key="help" href={plugin.help_url} target="_blank" rel="noreferrer" size="xs">
        Documentation
      </Anchor>
    ),
  ].filter(Boolean);
  return (
    <Text size="xs" c="dimmed" component="div">
      <Group gap="0 8px">{parts}</Group>
    </Text>
  );
}

function Home({ plugin }: { plugin: Plugin }) {
  const { home, placement = plugin.execution.placement, sandbox } = whereabouts(plugin);
  if (!plugin.enabled) return <span />;
  const executor = home?.executor ?? plugin.executor;
  const where =
    placement === "any" ? "Runs on every executor" : executor ? `Home: ${executor}` : "No home yet";
  const more = [home?.site && `site ${home.site}`, sandbox].filter(Boolean).join(" · ");
  return (
    <Group gap={8} c="dimmed" wrap="nowrap" flex="1 1 150px" miw={0} data-testid="home">
      <Icon name="server-2" size={16} className={classes.fixed} />
      <Text size="xs" lh={1.35} component="div">
        <div>{where}</div>
        {more && <div>{more}</div>}
      </Text>
    </Group>
  );
}

function EnableSwitch({ plugin, disabled }: { plugin: Plugin; disabled: boolean }) {
  const { enable, pending } = useEnableWithTrust(plugin);
  return (
    <Group gap={8} wrap="nowrap">
      {pending && <Loader size={16} aria-label="Changing" />}
      <Switch
        checked={plugin.enabled}
        disabled={disabled || pending || (plugin.missing && !plugin.enabled)}
        onChange={(event) => void enable(event.currentTarget.checked)}
        aria-label={`${plugin.name} enabled`}
        title={disabled ? "Only administrators enable and disable plugins" : undefined}
        withThumbIndicator={false}
      />
    </Group>
  );
}
