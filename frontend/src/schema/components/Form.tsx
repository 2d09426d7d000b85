import { Stack, Text } from "@mantine/core";
import { useMemo } from "react";
import { SchemaForm } from "../form/SchemaForm";
import type { Values } from "../lib/path";
import { useCloseDialog, useHolds, usePage, useScope } from "../page/context";
import type { NodeProps } from "../types";
import { useFilled } from "./content";

/** Runs `submit_action` with its values; in a dialog that a row opened, with the row's `_id` too. */
export function Form({ node }: NodeProps<"form">) {
  const { plugin, actions, mayRun } = usePage();
  const scope = useScope();
  const close = useCloseDialog();
  const blocked = useHolds(node.disabled_if) === true;
  const values = useMemo(() => ({ ...node.initial, ...scope }), [node.initial, scope]);
  const label = node.submit_label || "Submit";
  const description = useFilled(node.description);

  async function submit(entered: Values): Promise<boolean> {
    const ended = await actions.run({
      action: node.submit_action,
      label,
      params: scope && "_id" in scope ? { ...entered, _id: scope._id } : entered,
      ...(node.id ? { form: node.id } : {}),
    });
    if (ended === null || ended.outcome === "error") return false;
    close?.();
    return true;
  }

  return (
    <Stack gap="md" data-ui="form" data-form={node.id ?? undefined} maw={640}>
      {description && (
        <Text size="sm" c="dimmed">
          {description}
        </Text>
      )}
      <SchemaForm
        fields={node.fields}
        values={values}
        onSubmit={submit}
        submitLabel={label}
        pluginKey={plugin}
        busy={actions.isRunning(node.submit_action)}
        blocked={blocked}
        readOnly={!mayRun}
        clearing
        oneLine
      />
    </Stack>
  );
}
