import { type UseQueryResult, useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { callJson, fetchAsUser } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import { toApiError } from "@/shared/api/problem";
import { useLiveQuery } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";
import type { Source } from "../lib/conditions";
import type { Values } from "../lib/path";

/** A document of a collection; `_id` is a number. */
export type Item = Values & { _id: number };

export interface Page {
  items: Item[];
  /** Documents that match, on whatever page. */
  total: number;
}

export interface Query {
  where?: Record<string, unknown> | null | undefined;
  filters?: readonly Filter[] | undefined;
  search?: string | undefined;
  sort?: string | null | undefined;
  limit?: number;
  offset?: number | undefined;
}

export interface Filter {
  field: string;
  op: "eq" | "contains";
  value: unknown;
}

/** The documents of a plugin's collection; read anew whenever they change anywhere. */
export function useCollection(plugin: string, collection: string, query: Query = {}): UseQueryResult<Page> {
  useLiveQuery(topics.data(plugin, collection), keys.data(plugin, collection));
  return useQuery({
    queryKey: keys.data(plugin, collection, query),
    queryFn: ({ signal }) => readCollection(plugin, collection, query, signal),
    // While the next page or search is on its way, the last one stays; another collection's never does.
    placeholderData: (page, query) =>
      query?.queryKey[1] === plugin && query.queryKey[2] === collection ? page : undefined,
  });
}

export async function readCollection(
  plugin: string,
  collection: string,
  query: Query,
  signal?: AbortSignal,
): Promise<Page> {
  const url = new URL(`${dataPath(plugin, collection)}?${parameters(query)}`, location.origin);
  const response = await fetchAsUser(new Request(url, { signal: signal ?? null }));
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw toApiError(response, body);
  const { data, total } = body as { data: Item[]; total?: number };
  return { items: data, total: total ?? Number(response.headers.get("X-Total-Count") ?? data.length) };
}

export function parameters(query: Query): URLSearchParams {
  const found = new URLSearchParams();
  if (query.limit !== undefined) found.set("limit", String(query.limit));
  if (query.offset) found.set("offset", String(query.offset));
  if (query.sort) found.set("sort", query.sort);
  if (query.search?.trim()) found.set("search", query.search.trim().slice(0, 200));
  // As JSON, a text is that text and nothing that it looks like.
  for (const [field, value] of Object.entries(query.where ?? {}))
    found.append(`f.${field}.eq`, JSON.stringify(value));
  for (const { field, op, value } of query.filters ?? []) {
    found.append(`f.${field}.${op}`, op === "contains" ? String(value) : JSON.stringify(value));
  }
  return found;
}

/** Write one key of a document, leaving the others as they are. */
export function patchItem(plugin: string, collection: string, id: number, change: Values): Promise<unknown> {
  return callJson(`${dataPath(plugin, collection)}${id}/`, { method: "PATCH", json: { data: change } });
}

function dataPath(plugin: string, collection: string): string {
  return `/api/plugins/${encodeURIComponent(plugin)}/data/${encodeURIComponent(collection)}/`;
}

const FIRST: Query = { limit: 1 };

/** What conditions ask of collections: the first document and how many there are, live. */
export function useSources(plugin: string, names: readonly string[]): (name: string) => Source | undefined {
  const results = useQueries({
    queries: names.map((name) => ({
      queryKey: keys.data(plugin, name, FIRST),
      queryFn: ({ signal }: { signal: AbortSignal }) => readCollection(plugin, name, FIRST, signal),
    })),
  });
  return useMemo(() => {
    const found = new Map<string, Source>();
    names.forEach((name, index) => {
      const page = results[index]?.data;
      if (page) found.set(name, { first: page.items[0], total: page.total });
    });
    return (name: string) => found.get(name);
  }, [names, results]);
}
