import { Alert, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import { ApiError, messageOf } from "@/shared/api/problem";
import { session } from "@/shared/api/session";
import { Icon } from "@/shared/icons/Icon";
import { Entrance } from "./Entrance";
import { passwordProblem } from "./password";

export function SetupPage() {
  const client = useQueryClient();
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const body = { username: String(given.get("username")).trim(), password: String(given.get("password")) };
    const weak = passwordProblem(body.password);
    if (weak || body.password !== given.get("again")) {
      setProblems(weak ? { password: weak } : { again: "The two passwords differ." });
      return;
    }
    setBusy(true);
    setProblems({});
    try {
      await call(api.POST("/api/setup/", { body }));
      session.start(await call(api.POST("/api/accounts/token/", { body })));
    } catch (error) {
      const faults = error instanceof ApiError ? error.faults : [];
      setProblems(
        faults.length
          ? Object.fromEntries(faults.map((fault) => [fault.path, fault.message]))
          : { form: messageOf(error) },
      );
      // Somebody else may have been quicker: then it is a page for logging in.
      if (error instanceof ApiError && error.status === 409)
        void client.invalidateQueries({ queryKey: keys.setup });
      setBusy(false);
    }
  };

  return (
    <Entrance
      title="Create the administrator"
      text="Plugarr is new here. The first account may do everything, and makes the others."
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            name="username"
            label="User name"
            autoComplete="username"
            required
            autoFocus
            withAsterisk={false}
            error={problems.username}
          />
          <PasswordInput
            name="password"
            label="Password"
            description="At least 8 characters."
            autoComplete="new-password"
            required
            withAsterisk={false}
            error={problems.password}
          />
          <PasswordInput
            name="again"
            label="Password, once more"
            autoComplete="new-password"
            required
            withAsterisk={false}
            error={problems.again}
          />
          {problems.form && (
            <Alert color="red" icon={<Icon name="alert-circle" />} role="alert">
              {problems.form}
            </Alert>
          )}
          <Button type="submit" loading={busy} fullWidth mt="xs">
            Create and log in
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
