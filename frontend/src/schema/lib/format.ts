import { isObject } from "./path";

/** Values as text for people, in the browser's language and time zone. */

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

/** A moment from RFC 3339 (without a zone: UTC), seconds or milliseconds since 1970; null where it is none. */
export function moment(value: unknown): Date | null {
  if (typeof value === "number" && Number.isFinite(value))
    return valid(new Date(value < 1e11 ? value * 1000 : value));
  if (typeof value !== "string" || !value.trim()) return null;
  const text = value.trim().replace(/^(\d{4}-\d{2}-\d{2}) (\d)/, "$1T$2");
  const zoned = /T.*(Z|[+-]\d{2}:?\d{2})$/i.test(text) || !text.includes("T");
  return valid(new Date(zoned ? text : `${text}Z`));
}

const valid = (date: Date): Date | null => (Number.isNaN(date.getTime()) ? null : date);

export function datetime(value: unknown): string {
  if (typeof value === "string" && DAY.test(value)) return date(value);
  return moment(value)?.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) ?? text(value);
}

/** A day without a time is that day everywhere. */
export function date(value: unknown): string {
  const day = typeof value === "string" ? DAY.exec(value) : null;
  const when = day ? new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3])) : moment(value);
  return when?.toLocaleDateString(undefined, { dateStyle: "medium" }) ?? text(value);
}

export function time(value: unknown): string {
  return moment(value)?.toLocaleTimeString(undefined, { timeStyle: "short" }) ?? text(value);
}

export function number(value: unknown): string {
  const found = toNumber(value);
  return found === null ? text(value) : found.toLocaleString(undefined, { maximumFractionDigits: 6 });
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function bytes(value: unknown): string {
  const found = toNumber(value);
  if (found === null) return text(value);
  let size = Math.abs(found);
  let unit = 0;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const shown = size.toLocaleString(undefined, { maximumFractionDigits: unit === 0 || size >= 100 ? 0 : 1 });
  return `${found < 0 ? "-" : ""}${shown} ${UNITS[unit]}`;
}

/** Seconds as `850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function duration(value: unknown): string {
  const found = toNumber(value);
  if (found === null) return text(value);
  const sign = found < 0 ? "-" : "";
  const seconds = Math.abs(found);
  if (seconds > 0 && seconds < 1) return `${sign}${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${sign}${seconds.toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
  const whole = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3_600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const from = parts.findIndex(([amount]) => amount > 0);
  return (
    sign +
    parts
      .slice(from, from + 2)
      .filter(([amount]) => amount > 0)
      .map(([amount, unit]) => `${amount} ${unit}`)
      .join(" ")
  );
}

export function boolean(value: unknown): string {
  return value === undefined || value === null || value === "" ? "" : truthy(value) ? "Yes" : "No";
}

/** What plugins mean by true: the texts of forms and files too. */
export function truthy(value: unknown): boolean {
  if (typeof value === "string") return !["", "false", "0", "no", "off"].includes(value.trim().toLowerCase());
  return Boolean(value);
}

export function toNumber(value: unknown): number | null {
  if (typeof value === "boolean" || value === null || value === undefined || value === "") return null;
  const found = typeof value === "number" ? value : typeof value === "string" ? Number(value) : Number.NaN;
  return Number.isFinite(found) ? found : null;
}

/** Any value as plain text: lists by commas, objects as JSON. */
export function text(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value) && value.every((one) => !isObject(one) && !Array.isArray(one)))
    return value.map(text).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export const FORMATTERS: Readonly<Record<string, (value: unknown) => string>> = {
  text,
  datetime,
  date,
  time,
  number,
  bytes,
  duration,
  boolean,
  badge: text,
  link: text,
};
