import type { Run } from "@/shared/api/types";

const TRIGGER: Record<NonNullable<Run["trigger"]>, string> = {
  user: "by hand",
  bus: "over the bus",
  plugin: "by a plugin",
  schedule: "by a schedule",
  event: "by an event",
  retry: "again",
};

/** Who or what started a run: "admin, by hand". */
export function startedBy({ actor, trigger }: Pick<Run, "actor" | "trigger">): string {
  const how = TRIGGER[trigger ?? "bus"];
  const [kind, ...rest] = (actor ?? "").split(":");
  const who = rest.join(":");
  if (!who) return how;
  return kind === "schedule" ? how : `${who}, ${how}`;
}

export const CAUSES: Record<string, string> = {
  expired: "Nobody took it before it expired.",
  host_ended: "The plugin's process ended under it, because of another run.",
  plugin_disabled: "The plugin was disabled.",
  not_loaded: "The plugin does not load.",
  permission_denied: "It was not allowed.",
};
