import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import type { Asked } from "./confirm";

export default function ConfirmDialog({ title, message, confirmLabel = "Confirm", color, answer }: Asked) {
  return (
    <Modal
      opened
      onClose={() => answer(false)}
      title={title}
      centered
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack>
        {typeof message === "string" ? <Text size="sm">{message}</Text> : message}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => answer(false)}>
            Cancel
          </Button>
          <Button color={color} onClick={() => answer(true)} data-autofocus>
            {confirmLabel}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
