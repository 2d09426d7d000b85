import buckets from "virtual:tabler/buckets";
import eager from "virtual:tabler/eager";
import { createElement, useEffect, useState } from "react";
import { bucketOf, tablerName } from "./names";

type Nodes = [string, Record<string, string>][];

const known = new Map<string, Nodes>(Object.entries(eager));
const FALLBACK = "puzzle";

export interface IconProps {
  /** A Tabler icon's name, e.g. `calendar`; one that does not exist is drawn as a puzzle piece. */
  name: string;
  size?: number | string;
  /** Shown to screen readers; without it the icon is decoration. */
  label?: string;
  className?: string;
}

export function Icon({ name, size = 18, label, className }: IconProps) {
  const wanted = tablerName(name);
  const [, drawAgain] = useState(0);
  const nodes = known.get(wanted);
  useEffect(() => {
    if (nodes) return;
    let current = true;
    void load(wanted).then(() => current && drawAgain((n) => n + 1));
    return () => {
      current = false;
    };
  }, [wanted, nodes]);
  const filled = wanted.endsWith("-filled");
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={filled ? "currentColor" : "none"}
      stroke={filled ? "none" : "currentColor"}
      strokeWidth={1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={className}
      data-icon={wanted}
      focusable="false"
      {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}
    >
      {nodes?.map(([tag, attributes], index) => createElement(tag, { ...attributes, key: index }))}
    </svg>
  );
}

async function load(name: string): Promise<void> {
  const bucket = buckets[bucketOf(name)];
  try {
    const icons = bucket ? (await bucket()).default : {};
    for (const [found, nodes] of Object.entries(icons)) known.set(found, nodes);
  } catch {
    // Offline, or the UI was rebuilt: the fallback will do.
  }
  if (!known.has(name)) known.set(name, known.get(FALLBACK) ?? []);
}
