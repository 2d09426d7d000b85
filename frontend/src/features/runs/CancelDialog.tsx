import { Alert, Button, Group, List, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { messageOf } from "@/shared/api/problem";
import type { Run } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { When } from "@/shared/ui/When";
import { siblingsOf, useCancel } from "./useRuns";

/** Asks before a run is cancelled, and says which others may end with it. */
export function CancelDialog({ run, label, onClose }: { run: Run; label: string; onClose: () => void }) {
  const siblings = useQuery({
    queryKey: ["run", run.run_id, "siblings"],
    queryFn: () => siblingsOf(run.run_id),
    staleTime: 0,
    retry: false,
  });
  const cancel = useCancel();
  const others = siblings.data ?? [];
  return (
    <Modal
      opened
      onClose={onClose}
      title={`Cancel ${label}?`}
      centered
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack>
        <Text size="sm">
          The plugin is asked to stop. If it has not after 10 seconds, its process is ended by force.
        </Text>
        {others.length > 0 && (
          <Alert color="orange" icon={<Icon name="alert-triangle" />} title="By force, these end too">
            <List size="sm">
              {others.map((other) => (
                <List.Item key={other.run_id}>
                  {other.action}, started <When at={other.started_at ?? other.created_at} />
                </List.Item>
              ))}
            </List>
          </Alert>
        )}
        {siblings.error && (
          <Alert color="orange" icon={<Icon name="alert-triangle" />} title="By force, others may end too">
            Which ones could not be read: {messageOf(siblings.error)}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Let it run
          </Button>
          <Button
            color="red"
            loading={cancel.isPending || siblings.isPending}
            onClick={() => cancel.mutate(run.run_id, { onSuccess: onClose })}
          >
            Cancel the run
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
