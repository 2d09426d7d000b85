import type { Plugin } from "@/shared/api/types";

export const FILTERS = ["all", "enabled", "disabled", "problems"] as const;
export type Filter = (typeof FILTERS)[number];

export function hasProblems(plugin: Plugin): boolean {
  return (
    plugin.errors.length > 0 ||
    plugin.warnings.length > 0 ||
    plugin.missing ||
    plugin.invalid ||
    Boolean(plugin.load_error)
  );
}

const KEPT: Record<Filter, (plugin: Plugin) => boolean> = {
  all: () => true,
  enabled: (plugin) => plugin.enabled,
  disabled: (plugin) => !plugin.enabled,
  problems: hasProblems,
};

/** The plugins of a filter in which every word of the search occurs. */
export function chosen(plugins: readonly Plugin[], filter: Filter, search: string): Plugin[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return plugins.filter((plugin) => {
    if (!KEPT[filter](plugin)) return false;
    const text = [plugin.name, plugin.key, plugin.description, plugin.author].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
