import { createContext, useContext } from "react";
import type { Actions } from "@/shared/actions/useActions";
import { useSources } from "../data/collections";
import { type Condition, holds, sourcesOf } from "../lib/conditions";
import type { Values } from "../lib/path";

export interface PageState {
  plugin: string;
  actions: Actions;
  /** Whether the user may run actions and write data, or only look. */
  mayRun: boolean;
  /** False as soon as the page was left: what ends after that must lead nobody elsewhere. */
  isShown: () => boolean;
  /** Open a modal or drawer of this page; a row fills what is in it. */
  open: (id: string, scope?: Values) => void;
  /** Go to another page of the plugin. */
  goTo: (page: string) => void;
}

export const PageContext = createContext<PageState | null>(null);

export function usePage(): PageState {
  const page = useContext(PageContext);
  if (!page) throw new Error("a component was drawn outside a page");
  return page;
}

/** The row that a dialog was opened by, or the result that is shown: what templates and conditions speak of. */
export const ScopeContext = createContext<Values | undefined>(undefined);

export const useScope = (): Values | undefined => useContext(ScopeContext);

/** Closes the dialog around; undefined where there is none. */
export const DialogContext = createContext<(() => void) | undefined>(undefined);

export const useCloseDialog = (): (() => void) | undefined => useContext(DialogContext);

const NO_NAMES: string[] = [];

/** Whether a condition holds here; undefined while a collection that it asks has not been read. */
export function useHolds(condition: Condition | null | undefined, values?: Values): boolean | undefined {
  const { plugin } = usePage();
  const scope = useScope();
  const sources = useSources(plugin, condition ? sourcesOf(condition) : NO_NAMES);
  return condition ? holds(condition, values ?? scope ?? {}, sources) : undefined;
}
