import { queryOptions, useQuery } from "@tanstack/react-query";
import { show } from "@/shared/actions/notify";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import type { Json, Plugin } from "@/shared/api/types";
import { useChange } from "@/shared/api/useChange";
import { useLiveQuery } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";

/** Where a plugin runs, and how fenced in; known once an executor has taken it home. */
export interface Whereabouts {
  home?: { executor: string; site: string } | null;
  placement?: "home" | "any";
  sandbox?: string | null;
}

export const whereabouts = (plugin: Plugin): Whereabouts => plugin as Whereabouts;

export const pluginsQuery = queryOptions({
  queryKey: keys.plugins,
  queryFn: async () => (await call(api.GET("/api/plugins/plugins/"))).plugins,
});

export function usePlugins() {
  useLiveQuery(topics.plugins, keys.plugins, keys.navigation);
  return useQuery(pluginsQuery);
}

const STALE = [keys.plugins, keys.navigation, keys.pages];
const path = (key: string) => ({ params: { path: { key } } });

export function useEnable() {
  return useChange({
    failure: "Could not change whether the plugin is enabled",
    run: ({ key, enabled }: { key: string; enabled: boolean }) =>
      call(api.POST("/api/plugins/plugins/{key}/enabled/", { ...path(key), body: { enabled } })),
    stale: STALE,
    onDone: ({ plugin, enabled }) => {
      if (enabled && plugin.load_error) {
        show({ outcome: "error", title: `${plugin.name} did not load`, message: plugin.load_error });
      }
    },
  });
}

export function useReload() {
  return useChange({
    failure: "Could not reload",
    run: (plugin: Plugin | null) =>
      plugin
        ? call(api.POST("/api/plugins/plugins/{key}/reload/", path(plugin.key)))
        : call(api.POST("/api/plugins/plugins/reload/")),
    done: ({ count }, plugin) =>
      plugin ? `${plugin.name} was loaded anew.` : `Looked at the plugin directory: ${count} plugins.`,
    stale: STALE,
  });
}

export function useDelete() {
  return useChange({
    failure: "Could not delete the plugin",
    run: ({ plugin, data }: { plugin: Plugin; data: boolean }) =>
      call(
        api.DELETE("/api/plugins/plugins/{key}/delete/", {
          params: { path: { key: plugin.key }, query: { data } },
        }),
      ),
    done: (_, { plugin, data }) =>
      `${plugin.name} is deleted${data ? ", with its data" : "; its data is kept"}.`,
    stale: STALE,
  });
}

export function usePlacement() {
  return useChange({
    failure: "Could not change where the plugin runs",
    run: ({ key, placement }: { key: string; placement: "home" | "any" | null }) =>
      call(api.POST("/api/plugins/plugins/{key}/placement/", { ...path(key), body: { placement } })),
    stale: STALE,
  });
}

export function saveSettings(key: string, settings: Record<string, unknown>) {
  return call(
    api.POST("/api/plugins/plugins/{key}/settings/", {
      ...path(key),
      body: { settings: settings as Record<string, Json> },
    }),
  );
}

/** The logo's path on this host: its full address may be another name of it, which the page's policy refuses. */
export function logoPath(plugin: Plugin): string | null {
  if (!plugin.logo_url) return null;
  const url = new URL(plugin.logo_url, location.origin);
  return url.pathname + url.search;
}
