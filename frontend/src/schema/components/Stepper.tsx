import { Box, Button, Stepper as MantineStepper, Stack, VisuallyHidden } from "@mantine/core";
import { useState } from "react";
import { Icon } from "@/shared/icons/Icon";
import { SchemaForm } from "../form/SchemaForm";
import { placeKey } from "../lib/keys";
import type { Values } from "../lib/path";
import { Nodes } from "../Node";
import { useCloseDialog, usePage, useScope } from "../page/context";
import type { NodeOf, NodeProps } from "../types";

type Step = NodeOf<"stepper">["items"][number];

const NO_FIELDS: NonNullable<Step["fields"]> = [];

/** A form in steps. Every step stays as it is while another is shown; the last one sends all of them. */
export default function Stepper({ node }: NodeProps<"stepper">) {
  const { plugin, actions, mayRun } = usePage();
  const scope = useScope();
  const close = useCloseDialog();
  const [active, setActive] = useState(0);
  const [reached, setReached] = useState(0);
  const [values, setValues] = useState<readonly Values[]>([]);
  const [round, setRound] = useState(0);
  const last = node.items.length - 1;
  const label = node.submit_label || "Finish";

  const go = (to: number) => {
    setActive(to);
    setReached((before) => Math.max(before, to));
  };
  async function next(entered: Values): Promise<boolean> {
    // Each step's own: what it says now replaces all that it said before.
    const taken = [...values.slice(0, active), entered];
    setValues(taken);
    if (active < last) {
      go(active + 1);
      return true;
    }
    if (!node.submit_action) return true;
    const all: Values = Object.assign({}, ...taken);
    const ended = await actions.run({
      action: node.submit_action,
      label,
      params: scope && "_id" in scope ? { ...all, _id: scope._id } : all,
      ...(node.id ? { form: node.id } : {}),
    });
    if (ended === null || ended.outcome === "error") return false;
    if (close) close();
    setActive(0);
    setReached(0);
    setValues([]);
    setRound(round + 1);
    return true;
  }

  return (
    <Box data-ui="stepper">
      <MantineStepper active={active} onStepClick={setActive} size="sm" mb="lg" wrap>
        {node.items.map((item, index) => (
          <MantineStepper.Step
            key={placeKey(index, item.id)}
            label={item.label}
            description={item.description ?? undefined}
            icon={item.icon ? <Icon name={item.icon} size={16} /> : undefined}
            // Only back: forward leads through “Next”, which takes what the step says by then.
            allowStepSelect={index < active}
          />
        ))}
      </MantineStepper>
      {node.items.map((item, index) => (
        <Stack
          key={placeKey(index, round)}
          gap="md"
          hidden={index !== active}
          style={index === active ? undefined : { display: "none" }}
          maw={640}
        >
          {index <= reached && (
            <>
              <Nodes nodes={item.components} />
              <SchemaForm
                fields={item.fields ?? NO_FIELDS}
                {...(scope ? { values: scope } : {})}
                onSubmit={next}
                submitLabel={index === last ? label : "Next"}
                pluginKey={plugin}
                busy={index === last && !!node.submit_action && actions.isRunning(node.submit_action)}
                blocked={index === last && !!node.submit_action && !mayRun}
                oneLine
              >
                {index > 0 && (
                  <Button variant="default" onClick={() => setActive(index - 1)}>
                    Back
                  </Button>
                )}
              </SchemaForm>
            </>
          )}
        </Stack>
      ))}
      <VisuallyHidden role="status">
        Step {active + 1} of {node.items.length}
      </VisuallyHidden>
    </Box>
  );
}
