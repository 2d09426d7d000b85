import { Alert, Anchor, Box, Button, Center, Loader, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";
import { useMay } from "@/app/user";
import { useActions } from "@/shared/actions/useActions";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import { ApiError, messageOf } from "@/shared/api/problem";
import type { Page, PageAnswer } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { useLiveQuery } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";
import { Stale } from "@/shared/ui/states";
import { Follow } from "./data/Follow";
import type { Values } from "./lib/path";
import { Nodes } from "./Node";
import { PageContext, type PageState } from "./page/context";
import { Dialogs, type Opened } from "./page/Dialogs";
import { conditionSources, dialogs } from "./page/walk";

export interface PluginPageProps {
  pluginKey: string;
  /** Id of one of the plugin's pages; without it the page that it opens with. */
  page?: string;
}

/** A plugin's own page, drawn from its schema. */
export function PluginPage({ pluginKey, page }: PluginPageProps) {
  const key = keys.page(pluginKey, page);
  useLiveQuery(topics.plugins, keys.pagesOf(pluginKey));
  const { data, error, isPending, refetch } = useQuery({
    queryKey: key,
    queryFn: () => readPage(pluginKey, page),
  });
  const title = data?.page.title || data?.plugin.name;
  useEffect(() => {
    if (title) document.title = `${title} · Plugarr`;
  }, [title]);

  if (isPending) {
    return (
      <Center mih={200}>
        <Loader aria-label="Loading the page" />
      </Center>
    );
  }
  // Disabled or deleted while it is open, its buttons would do nothing but fail.
  if (!data || isGone(error)) return <NoPage error={error} retry={() => void refetch()} />;
  return (
    <>
      {error && <Stale error={error} retry={refetch} />}
      <Drawn pluginKey={pluginKey} page={data.page} title={title ?? pluginKey} />
    </>
  );
}

const isGone = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 403 || error.status === 404);

function Drawn({ pluginKey, page, title }: { pluginKey: string; page: Page; title: string }) {
  const actions = useActions(pluginKey);
  const navigate = useNavigate();
  const mayRun = useMay("user");
  const shown = useRef(false);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  const [opened, setOpened] = useState<readonly Opened[]>([]);
  const known = useMemo(() => dialogs(page), [page]);
  const sources = useMemo(() => conditionSources(page), [page]);

  const open = useCallback(
    (id: string, scope?: Values) => {
      const node = known.get(id);
      if (node) setOpened((before) => [...before, { number: (before.at(-1)?.number ?? 0) + 1, node, scope }]);
    },
    [known],
  );
  const close = useCallback(
    (number: number) => setOpened((before) => before.filter((one) => one.number !== number)),
    [],
  );
  const state: PageState = useMemo(
    () => ({
      plugin: pluginKey,
      actions,
      mayRun,
      isShown: () => shown.current,
      open,
      goTo: (id) => void navigate(`/plugins/${encodeURIComponent(pluginKey)}/${encodeURIComponent(id)}`),
    }),
    [pluginKey, actions, mayRun, open, navigate],
  );
  return (
    <PageContext value={state}>
      <Follow plugin={pluginKey} names={sources} />
      <Box component="article" data-plugin-page={pluginKey}>
        <Title order={1} size="h2">
          {title}
        </Title>
        {page.description && (
          <Text c="dimmed" mt={4} style={{ whiteSpace: "pre-line" }} data-part="description">
            {page.description}
          </Text>
        )}
        <Stack gap="md" mt="lg">
          <Nodes nodes={page.components} />
        </Stack>
      </Box>
      <Dialogs opened={opened} close={close} />
    </PageContext>
  );
}

async function readPage(key: string, page: string | undefined): Promise<PageAnswer> {
  return page === undefined
    ? call(api.GET("/api/plugins/{key}/page/", { params: { path: { key } } }))
    : call(api.GET("/api/plugins/{key}/page/{page_id}/", { params: { path: { key, page_id: page } } }));
}

function NoPage({ error, retry }: { error: unknown; retry: () => void }) {
  const status = error instanceof ApiError ? error.status : 0;
  const title =
    status === 403
      ? "This plugin is disabled"
      : status === 404
        ? "There is no such page"
        : "The page could not be read";
  return (
    <Stack align="flex-start">
      <Title order={1} size="h2">
        {title}
      </Title>
      <Alert
        color={status === 403 || status === 404 ? "blue" : "red"}
        variant="light"
        icon={<Icon name="alert-circle" />}
      >
        {messageOf(error)}
      </Alert>
      <Button variant="default" onClick={retry}>
        Try again
      </Button>
      <Anchor component={Link} to="/plugins">
        All plugins
      </Anchor>
    </Stack>
  );
}
