import { Center, Loader } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Outlet } from "react-router";
import { LoginPage } from "@/features/accounts/LoginPage";
import { SetupPage } from "@/features/accounts/SetupPage";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import { useSubject } from "@/shared/api/session";
import { Failed } from "@/shared/ui/states";
import { UserContext } from "./user";

/**
 * Stands before every page: makes the first administrator, asks who it is, and lets in. The address
 * stays as it is meanwhile, so that a deep link opens where it leads.
 */
export function Welcome() {
  return useSubject() !== null ? <Inside /> : <Outside />;
}

function Outside() {
  const setup = useQuery({ queryKey: keys.setup, queryFn: () => call(api.GET("/api/setup/")), staleTime: 0 });
  if (setup.data) return setup.data.needed ? <SetupPage /> : <LoginPage />;
  return <Waiting error={setup.error} retry={() => void setup.refetch()} />;
}

function Inside() {
  const me = useQuery({ queryKey: keys.me, queryFn: () => call(api.GET("/api/accounts/users/me/")) });
  if (!me.data) return <Waiting error={me.error} retry={() => void me.refetch()} />;
  return (
    <UserContext value={me.data}>
      <Outlet />
    </UserContext>
  );
}

function Waiting({ error, retry }: { error: unknown; retry: () => void }): ReactNode {
  return (
    <Center component="main" mih="100dvh" p="md">
      {error ? (
        <Failed error={error} retry={retry} what="Plugarr does not answer" />
      ) : (
        <Loader aria-label="Loading" />
      )}
    </Center>
  );
}
