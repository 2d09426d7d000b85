import type { Component, Page } from "@/shared/api/types";
import { type Condition, sourcesOf } from "../lib/conditions";
import { isObject } from "../lib/path";
import type { NodeOf } from "../types";

export type Dialog = NodeOf<"modal"> | NodeOf<"drawer">;

/** Every component of a page, however deep. */
export function* components(list: readonly Component[] | null | undefined): Generator<Component> {
  for (const node of list ?? []) {
    yield node;
    if ("components" in node) yield* components(node.components);
    if (node.type === "tabs" || node.type === "stepper") {
      for (const item of node.items) yield* components(item.components);
    }
  }
}

/** The page's dialogs by id: a tab that was never opened can hold one that is opened from elsewhere. */
export function dialogs(page: Page): Map<string, Dialog> {
  const found = new Map<string, Dialog>();
  for (const node of components(page.components)) {
    if ((node.type === "modal" || node.type === "drawer") && !found.has(node.id)) found.set(node.id, node);
  }
  return found;
}

/** The collections that conditions anywhere on the page ask. */
export function conditionSources(page: Page): string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isObject(value)) {
      for (const [key, below] of Object.entries(value)) {
        if ((key === "visible_if" || key === "disabled_if") && isObject(below)) {
          for (const name of sourcesOf(below as Condition)) found.add(name);
        } else visit(below);
      }
    }
  };
  visit(page.components);
  return [...found];
}
