import type { QueryKey } from "@tanstack/react-query";

/** Every query's key, so that a frame can name what it makes stale. */
export const keys = {
  me: ["me"],
  setup: ["setup"],
  plugins: ["plugins"],
  navigation: ["navigation"],
  pages: ["page"],
  page: (plugin: string, page?: string) => ["page", plugin, page ?? null],
  pagesOf: (plugin: string) => ["page", plugin],
  data: (plugin: string, collection: string, query?: unknown) =>
    query === undefined ? ["data", plugin, collection] : ["data", plugin, collection, query],
  dataOf: (plugin: string) => ["data", plugin],
  runs: ["runs"],
  runList: (query: unknown) => ["runs", "list", query],
  activeRuns: (plugin: string | null) => ["runs", "active", plugin],
  run: (id: string) => ["run", id],
  log: (id: string) => ["log", id],
  schedules: ["schedules"],
  schedule: (id: string) => ["schedules", id],
  users: ["users"],
  apiKeys: ["api-keys"],
} satisfies Record<string, QueryKey | ((...names: never[]) => QueryKey)>;
