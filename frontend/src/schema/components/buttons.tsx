import { ActionIcon, Anchor, Group, Button as MantineButton, Tooltip } from "@mantine/core";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ask, questionOf } from "@/shared/actions/confirm";
import { Icon } from "@/shared/icons/Icon";
import type { Values } from "../lib/path";
import { buttonVariant, color, isThemeSize } from "../lib/style";
import { fillHref } from "../lib/templates";
import { useHolds, usePage, useScope } from "../page/context";
import type { NodeProps, RowAction } from "../types";

type AnyTrigger = Pick<RowAction, "label" | "action" | "opens" | "page" | "href" | "confirm" | "params">;

/**
 * What pressing a button does. `item` is the row that it belongs to: the action gets its whole document,
 * over the button's own `params`.
 */
export function useTrigger(trigger: AnyTrigger, item?: Values) {
  const { actions, mayRun, isShown, open, goTo } = usePage();
  const scope = useScope();
  const navigate = useNavigate();
  const [pressed, setPressed] = useState(false);
  const { action } = trigger;
  const id = item?._id;
  const running =
    pressed ||
    (!!action &&
      (id === undefined
        ? actions.isRunning(action)
        : actions.active.some((run) => run.action === action && idOf(run.params) === id)));

  async function press(): Promise<void> {
    if (action) {
      setPressed(true);
      try {
        const { label, confirm } = trigger;
        const params = { ...trigger.params, ...item };
        const ended = await actions.run({ action, label, confirm: confirm ?? null, params });
        if (ended === null || ended.outcome === "error" || !isShown()) return;
      } finally {
        setPressed(false);
      }
    } else if (!(await agreed(trigger))) return;
    if (trigger.opens) open(trigger.opens, item ?? scope);
    else if (trigger.page) goTo(trigger.page);
    else if (trigger.href) {
      const address = fillHref(trigger.href, item ?? scope);
      if (address?.startsWith("/")) await navigate(address);
      else if (address) window.open(address, "_blank", "noopener,noreferrer");
    }
  }
  return { press: () => void press(), running, refused: !!action && !mayRun };
}

/** An action asks by itself; whatever else a button does asks here. */
async function agreed({ confirm, label }: AnyTrigger): Promise<boolean> {
  const question = questionOf(confirm, label);
  return question === null || ask(question);
}

function idOf(params: unknown): unknown {
  return typeof params === "object" && params !== null ? (params as Values)._id : undefined;
}

export function Button({ node }: NodeProps<"button">) {
  const { press, running, refused } = useTrigger(node);
  const blocked = useHolds(node.disabled_if) === true;
  return (
    <MantineButton
      onClick={press}
      loading={running}
      disabled={blocked || refused}
      color={color(node.color)}
      variant={buttonVariant(node.variant) ?? "filled"}
      size={isThemeSize(node.size) ? node.size : "sm"}
      leftSection={node.icon ? <Icon name={node.icon} size={16} /> : undefined}
      rightSection={node.href ? <Icon name="external-link" size={14} /> : undefined}
      style={{ alignSelf: "flex-start" }}
      data-ui="button"
      data-action={node.action ?? undefined}
      aria-busy={running || undefined}
    >
      {node.label}
    </MantineButton>
  );
}

/** The buttons of one row or list item. */
export function RowButtons({ actions, item }: { actions: readonly RowAction[]; item: Values }) {
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end" component="span">
      {actions.map((action) => (
        <RowButton key={action.id} action={action} item={item} />
      ))}
    </Group>
  );
}

function RowButton({ action, item }: { action: RowAction; item: Values }) {
  const { press, running, refused } = useTrigger(action, item);
  const visible = useHolds(action.visible_if, item);
  const blocked = useHolds(action.disabled_if, item) === true;
  if (action.visible_if && !visible) return null;
  const common = {
    onClick: press,
    loading: running,
    disabled: blocked || refused,
    color: color(action.color) ?? "gray",
    "data-action": action.id,
    "aria-busy": running || undefined,
  };
  if (!action.icon) {
    return (
      <MantineButton {...common} size="compact-sm" variant={buttonVariant(action.variant) ?? "light"}>
        {action.label}
      </MantineButton>
    );
  }
  return (
    <Tooltip label={action.label} openDelay={300}>
      <ActionIcon
        {...common}
        size={32}
        variant={buttonVariant(action.variant) ?? "subtle"}
        aria-label={action.label}
      >
        <Icon name={action.icon} size={17} />
      </ActionIcon>
    </Tooltip>
  );
}

/** A link out of the application, marked as one. */
export function OutLink({ href, children }: { href: string; children: React.ReactNode }) {
  const out = !href.startsWith("/");
  return (
    <Anchor
      href={href}
      inherit
      underline="always"
      {...(out ? { target: "_blank", rel: "noopener noreferrer" } : {})}
    >
      {children}
    </Anchor>
  );
}
