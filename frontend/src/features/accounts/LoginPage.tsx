import { Alert, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { api, call } from "@/shared/api/client";
import { ApiError, messageOf } from "@/shared/api/problem";
import { session } from "@/shared/api/session";
import { Icon } from "@/shared/icons/Icon";
import { Entrance } from "./Entrance";

export function LoginPage() {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      const body = { username: String(given.get("username")), password: String(given.get("password")) };
      session.start(await call(api.POST("/api/accounts/token/", { body })));
    } catch (error) {
      const wrong = error instanceof ApiError && error.status === 401;
      setProblem(wrong ? "That name and password do not match." : messageOf(error));
      setBusy(false);
    }
  };

  return (
    <Entrance title="Log in" text="Welcome back.">
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            name="username"
            label="User name"
            autoComplete="username"
            required
            autoFocus
            withAsterisk={false}
          />
          <PasswordInput
            name="password"
            label="Password"
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          {problem && (
            <Alert color="red" icon={<Icon name="alert-circle" />} role="alert">
              {problem}
            </Alert>
          )}
          <Button type="submit" loading={busy} fullWidth mt="xs">
            Log in
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
