import { Skeleton } from "@mantine/core";
import { type ComponentType, memo, type ReactNode, Suspense } from "react";
import type { Component } from "@/shared/api/types";
import { Boundary } from "./Boundary";
import type { Condition } from "./lib/conditions";
import { placeKey } from "./lib/keys";
import { Notice } from "./Notice";
import { useHolds } from "./page/context";
import { registry } from "./registry";
import type { NodeProps, UiType } from "./types";

/** One component of a page: where it may be seen, and alone if it breaks. */
export const Node = memo(function Node({ node }: { node: Component }) {
  const Drawn = registry[node.type] as ComponentType<NodeProps<UiType>> | undefined;
  // A newer gateway may know types that this page does not.
  if (!Drawn)
    return <Notice title="Unknown component" errors={[`This version does not know “${node.type}”.`]} />;
  const drawn = (
    <Boundary type={node.type}>
      <Suspense fallback={<Skeleton height={64} radius="md" />}>
        <Drawn node={node} />
      </Suspense>
    </Boundary>
  );
  const condition = "visible_if" in node ? node.visible_if : undefined;
  return condition ? <When condition={condition}>{drawn}</When> : drawn;
});

export function Nodes({ nodes }: { nodes: readonly Component[] | null | undefined }) {
  return nodes?.map((node, index) => <Node key={placeKey(index, node.type)} node={node} />);
}

function When({ condition, children }: { condition: Condition; children: ReactNode }) {
  return useHolds(condition) === true ? children : null;
}
