import { Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useUser } from "@/app/user";
import { showDone } from "@/shared/actions/notify";
import { api, call } from "@/shared/api/client";
import { messageOf } from "@/shared/api/problem";
import { session } from "@/shared/api/session";
import { passwordProblem } from "./password";

export default function PasswordDialog({ onClose }: { onClose: () => void }) {
  const user = useUser();
  const [problem, setProblem] = useState<{ field: "current" | "new"; text: string } | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const password = String(given.get("new"));
    const weak = passwordProblem(password);
    if (weak) {
      setProblem({ field: "new", text: weak });
      return;
    }
    setBusy(true);
    try {
      const body = { current_password: String(given.get("current")), password };
      await call(api.POST("/api/accounts/users/me/password/", { body }));
      // Every token of before is refused now, ours too.
      const login = { username: user.username, password };
      session.start(await call(api.POST("/api/accounts/token/", { body: login })));
      showDone("Your password is changed.");
      onClose();
    } catch (error) {
      setProblem({ field: "current", text: messageOf(error) });
      setBusy(false);
    }
  };

  return (
    <Modal
      opened
      onClose={onClose}
      title="Change password"
      centered
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm" c="dimmed">
            Whoever else is logged in under your name is logged out.
          </Text>
          <PasswordInput
            name="current"
            label="Current password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            data-autofocus
            error={problem?.field === "current" && problem.text}
          />
          <PasswordInput
            name="new"
            label="New password"
            description="At least 8 characters."
            autoComplete="new-password"
            required
            withAsterisk={false}
            error={problem?.field === "new" && problem.text}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              Change password
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
