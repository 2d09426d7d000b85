import { Drawer, Modal, Stack } from "@mantine/core";
import { useCallback } from "react";
import type { Values } from "../lib/path";
import { length } from "../lib/style";
import { fill } from "../lib/templates";
import { Nodes } from "../Node";
import { DialogContext, ScopeContext } from "./context";
import type { Dialog } from "./walk";

export interface Opened {
  /** Counts up: opened again, a dialog begins anew. */
  number: number;
  node: Dialog;
  scope: Values | undefined;
}

/** The dialogs that are open, the last one on top. */
export function Dialogs({ opened, close }: { opened: readonly Opened[]; close: (number: number) => void }) {
  return opened.map((one) => <OneDialog key={one.number} {...one} close={close} />);
}

function OneDialog({ node, number, scope, close }: Opened & { close: (number: number) => void }) {
  const closeThis = useCallback(() => close(number), [close, number]);
  const title = node.title ? (scope ? fill(node.title, scope) : node.title) : "";
  const common = {
    opened: true,
    onClose: closeThis,
    title: title || undefined,
    closeButtonProps: { "aria-label": "Close" },
    styles: { title: { fontWeight: 650, fontSize: "var(--mantine-font-size-lg)" } },
    "data-dialog": node.id,
    ...(title ? {} : { "aria-label": node.id }),
  };
  const inside = (
    <DialogContext value={closeThis}>
      <ScopeContext value={scope}>
        <Stack gap="md">
          <Nodes nodes={node.components} />
        </Stack>
      </ScopeContext>
    </DialogContext>
  );
  if (node.type === "drawer") {
    return (
      <Drawer {...common} size={length(node.size) ?? "md"} position={node.position ?? "right"}>
        {inside}
      </Drawer>
    );
  }
  return (
    <Modal {...common} size={length(node.size) ?? "md"}>
      {inside}
    </Modal>
  );
}
