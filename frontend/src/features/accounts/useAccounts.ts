import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import type { ApiKey, Level, Schemas, User } from "@/shared/api/types";
import { useChange } from "@/shared/api/useChange";

export const LEVELS: { value: Level; label: string; text: string }[] = [
  { value: "viewer", label: "Viewer", text: "looks at pages, data and runs" },
  { value: "user", label: "User", text: "also runs actions and submits forms" },
  { value: "admin", label: "Administrator", text: "does everything" },
];

const MOST = 1000;

export function useUsers() {
  return useQuery({
    queryKey: keys.users,
    queryFn: () => call(api.GET("/api/accounts/users/", { params: { query: { limit: MOST } } })),
  });
}

export function useApiKeys(all: boolean) {
  return useQuery({
    queryKey: [...keys.apiKeys, all],
    queryFn: () => call(api.GET("/api/accounts/api-keys/", { params: { query: all ? { all } : {} } })),
  });
}

const path = (id: string) => ({ params: { path: { id } } });

export const createUser = (body: Schemas["CreateUserBody"]) =>
  call(api.POST("/api/accounts/users/", { body }));

export const updateUser = (id: string, body: Schemas["UpdateUserBody"]) =>
  call(api.PATCH("/api/accounts/users/{id}/", { ...path(id), body }));

export function useUpdateUser() {
  return useChange({
    failure: "Could not change the user",
    run: ({ user, ...body }: { user: User } & Schemas["UpdateUserBody"]) => updateUser(user.id, body),
    done: (_, { user }) => `${user.username} is changed.`,
    stale: [keys.users, keys.me],
  });
}

export function useDeleteUser() {
  return useChange({
    failure: "Could not delete the user",
    run: (user: User) => call(api.DELETE("/api/accounts/users/{id}/", path(user.id))),
    done: (_, user) => `${user.username} is deleted.`,
    stale: [keys.users, keys.apiKeys],
  });
}

export const createKey = (name: string) => call(api.POST("/api/accounts/api-keys/", { body: { name } }));

export function useDeleteKey() {
  return useChange({
    failure: "Could not delete the key",
    run: (key: ApiKey) => call(api.DELETE("/api/accounts/api-keys/{id}/", path(key.id))),
    done: (_, key) => `The key ${key.name} is deleted.`,
    stale: [keys.apiKeys],
  });
}
