import { Button, Checkbox, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import type { Plugin } from "@/shared/api/types";
import { useDelete } from "./usePlugins";

export function DeleteDialog({ plugin, onClose }: { plugin: Plugin; onClose: () => void }) {
  const [data, setData] = useState(false);
  const remove = useDelete();
  return (
    <Modal
      opened
      onClose={onClose}
      title={`Delete ${plugin.name}?`}
      centered
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack>
        <Text size="sm">It is stopped, and its folder and settings are removed. This cannot be undone.</Text>
        <Checkbox
          checked={data}
          onChange={(event) => setData(event.currentTarget.checked)}
          label="Delete its data too"
          description="Otherwise its collections stay, and are there again when it is installed again."
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            color="red"
            loading={remove.isPending}
            onClick={() => remove.mutate({ plugin, data }, { onSuccess: onClose })}
          >
            Delete
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
