import { Skeleton, Stack, Text } from "@mantine/core";
import { useDocumentVisibility } from "@mantine/hooks";
import { useEffect, useEffectEvent, useMemo, useState } from "react";
import { holds } from "../lib/conditions";
import { isObject, type Values } from "../lib/path";
import { Nodes } from "../Node";
import { ScopeContext, usePage, useScope } from "../page/context";
import type { NodeProps } from "../types";

const EVERY_S = 5;

/** Runs its action as long as somebody looks at the page; the result fills what stands below. */
export default function Poll({ node }: NodeProps<"poll">) {
  const { actions, mayRun } = usePage();
  const outer = useScope();
  const isSeen = useDocumentVisibility() === "visible";
  const [result, setResult] = useState<Values | null>(null);
  const [problem, setProblem] = useState<string>();
  const [stopped, setStopped] = useState(false);
  const everyMs = Math.max(2, node.every_s ?? EVERY_S) * 1000;

  const ask = useEffectEvent(async () => {
    const ended = await actions.run({
      action: node.action,
      label: node.action,
      params: node.params ?? null,
      silent: true,
    });
    if (!ended) return;
    setProblem(ended.outcome === "error" ? (ended.message ?? "The action failed.") : undefined);
    if (!isObject(ended.result)) return;
    setResult(ended.result);
    if (node.until && holds(node.until, ended.result) === true) setStopped(true);
  });

  useEffect(() => {
    if (!isSeen || stopped || !mayRun) return;
    let current = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const round = async () => {
      await ask();
      // One at a time: the next begins so long after the last has ended.
      if (current) timer = setTimeout(() => void round(), everyMs);
    };
    void round();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [isSeen, stopped, everyMs, mayRun]);

  const scope = useMemo(() => ({ ...outer, ...result }), [outer, result]);
  if (!mayRun) {
    return (
      <Text size="sm" c="dimmed" data-ui="poll" data-state="refused">
        This shows what an action finds, and you may not run it.
      </Text>
    );
  }
  return (
    <Stack gap="md" data-ui="poll" data-state={stopped ? "stopped" : "polling"}>
      {problem && (
        <Text size="sm" c="red" role="alert">
          {problem}
        </Text>
      )}
      {result === null && !problem ? (
        <Skeleton height={40} radius="md" />
      ) : (
        <ScopeContext value={scope}>
          <Nodes nodes={node.components} />
        </ScopeContext>
      )}
    </Stack>
  );
}
