import { Alert, Button, Group, Modal, PasswordInput, Radio, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { showDone } from "@/shared/actions/notify";
import { keys } from "@/shared/api/keys";
import { ApiError, messageOf } from "@/shared/api/problem";
import type { Level, User } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { passwordProblem } from "./password";
import { createUser, LEVELS, updateUser } from "./useAccounts";

/** Makes a user; or gives one that there is a new password. */
export function UserDialog({ user, onClose }: { user: User | null; onClose: () => void }) {
  const client = useQueryClient();
  const [level, setLevel] = useState<Level>("user");
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const password = String(given.get("password"));
    const username = String(given.get("username") ?? "").trim();
    const weak = passwordProblem(password);
    const found = {
      ...(weak && { password: weak }),
      ...(!user && !username && { username: "It needs a name." }),
    };
    setProblems(found);
    if (Object.keys(found).length) return;
    setBusy(true);
    try {
      await (user ? updateUser(user.id, { password }) : createUser({ username, password, level }));
      await client.invalidateQueries({ queryKey: keys.users });
      showDone(user ? `${user.username} has a new password.` : `${username} may log in now.`);
      onClose();
    } catch (error) {
      const faults = error instanceof ApiError ? error.faults : [];
      setProblems({
        ...Object.fromEntries(faults.map((fault) => [fault.path, fault.message])),
        ...(faults.some((fault) => ["username", "password"].includes(fault.path))
          ? {}
          : { form: messageOf(error) }),
      });
      setBusy(false);
    }
  };

  return (
    <Modal
      opened
      onClose={onClose}
      title={user ? `New password for ${user.username}` : "New user"}
      centered
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form onSubmit={submit} noValidate>
        <Stack>
          {!user && (
            <TextInput
              name="username"
              label="User name"
              autoComplete="off"
              required
              data-autofocus
              error={problems.username}
            />
          )}
          <PasswordInput
            name="password"
            label="Password"
            description="At least 8 characters."
            autoComplete="new-password"
            required
            data-autofocus={user ? true : undefined}
            error={problems.password}
          />
          {!user && (
            <Radio.Group label="Level" value={level} onChange={(value) => setLevel(value as Level)}>
              <Stack gap="xs" mt="xs">
                {LEVELS.map((one) => (
                  <Radio key={one.value} value={one.value} label={one.label} description={`${one.text}`} />
                ))}
              </Stack>
            </Radio.Group>
          )}
          {problems.form && (
            <Alert color="red" icon={<Icon name="alert-circle" />} role="alert">
              {problems.form}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              {user ? "Set password" : "Create"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
