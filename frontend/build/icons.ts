import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { BUCKETS, bucketOf } from "../src/shared/icons/names.ts";

type IconNodes = [string, Record<string, string>][];

/**
 * Tabler's icons by name. The few that the shell draws at once come with it; all others lie in lazy
 * buckets of some 3 kB, since importing the whole set would cost every visitor half a megabyte.
 */
export function tablerIcons(eager: readonly string[]): Plugin {
  const read = (kind: string): Record<string, IconNodes> =>
    JSON.parse(
      readFileSync(
        new URL(`../node_modules/@tabler/icons/tabler-nodes-${kind}.json`, import.meta.url),
        "utf8",
      ),
    );
  let icons: Map<string, IconNodes> | undefined;
  const all = () => {
    icons ??= new Map([
      ...Object.entries(read("outline")),
      ...Object.entries(read("filled")).map(([name, nodes]): [string, IconNodes] => [
        `${name}-filled`,
        nodes,
      ]),
    ]);
    return icons;
  };
  const module = (names: Iterable<string>) =>
    `export default ${JSON.stringify(Object.fromEntries([...names].map((name) => [name, all().get(name)])))}`;

  return {
    name: "tabler-icons",
    resolveId: (id) => (id.startsWith("virtual:tabler/") ? `\0${id}` : null),
    load(id) {
      if (!id.startsWith("\0virtual:tabler/")) return null;
      const part = id.slice("\0virtual:tabler/".length);
      if (part === "eager") {
        const unknown = eager.filter((name) => !all().has(name));
        if (unknown.length) this.error(`no such Tabler icons: ${unknown.join(", ")}`);
        return module(eager);
      }
      if (part === "buckets") {
        const imports = Array.from(
          { length: BUCKETS },
          (_, n) => `() => import("virtual:tabler/icons-${n}")`,
        );
        return `export default [${imports.join(",")}]`;
      }
      const bucket = Number(part.slice("icons-".length));
      return module([...all().keys()].filter((name) => bucketOf(name) === bucket));
    },
  };
}
