import type { MantineSize } from "@mantine/core";

/** Authors' words for sizes, weights and colours as Mantine takes them; what it does not know changes nothing. */

type Size = string | number | null | undefined;

export const THEME_SIZES = ["xs", "sm", "md", "lg", "xl"] as const;

export function isThemeSize(size: unknown): size is MantineSize {
  return THEME_SIZES.includes(size as MantineSize);
}

/** A size of the theme, or a length: a number is pixels. */
export function length(size: Size): string | number | undefined {
  if (size === null || size === undefined || size === "") return undefined;
  if (isThemeSize(size) || typeof size === "number") return size;
  if (/^\d+(\.\d+)?$/.test(size)) return Number(size);
  return /^\d+(\.\d+)?(px|rem|em|%|vh|vw|ch)$/.test(size) ? size : undefined;
}

const WEIGHTS: Record<string, number> = {
  light: 300,
  normal: 400,
  regular: 400,
  medium: 500,
  semibold: 600,
  bold: 700,
  black: 900,
};

export function weight(value: string | number | null | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (!value) return undefined;
  return WEIGHTS[value.toLowerCase()] ?? (/^[1-9]00$/.test(value) ? Number(value) : undefined);
}

const COLORS: ReadonlySet<string> = new Set(
  "dark gray red pink grape violet indigo blue cyan teal green lime yellow orange brand dimmed".split(" "),
);
const ALIASES: Record<string, string> = {
  grey: "gray",
  black: "dark",
  purple: "grape",
  success: "green",
  ok: "green",
  warning: "yellow",
  danger: "red",
  error: "red",
  info: "blue",
  primary: "brand",
};

/** A colour of the theme, by its own name or an everyday one, or of CSS; undefined where it is neither. */
export function color(value: string | null | undefined): string | undefined {
  if (!value) return undefined;
  const name = value.trim().toLowerCase();
  const known = ALIASES[name] ?? name;
  if (COLORS.has(known) || /^[a-z]+\.\d$/.test(known)) return known;
  return /^#([0-9a-f]{3}|[0-9a-f]{6})$/.test(known) || CSS.supports("color", known) ? known : undefined;
}

const BUTTONS = ["filled", "light", "outline", "subtle", "default", "transparent", "white"] as const;
type ButtonVariant = (typeof BUTTONS)[number];

export function buttonVariant(value: string | null | undefined): ButtonVariant | undefined {
  return BUTTONS.find((name) => name === value);
}

const BADGES = ["filled", "light", "outline", "dot", "default", "transparent", "white"] as const;

export function badgeVariant(value: string | null | undefined): (typeof BADGES)[number] | undefined {
  return BADGES.find((name) => name === value);
}
