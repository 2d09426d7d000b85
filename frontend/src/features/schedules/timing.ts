import { duration } from "@/shared/format";

interface Timing {
  cron?: string | null;
  interval_s?: number | null;
  at?: string | null;
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const number = (text: string) => (/^\d+$/.test(text) ? Number(text) : null);
const clock = (hour: number, minute: number) =>
  `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;

/** When a schedule runs, for people; a cron that is not one of the usual ones reads as it is. */
export function timingText(
  { cron, interval_s, at }: Timing,
  format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }),
): string {
  if (cron) return cronText(cron);
  if (interval_s) return `Every ${intervalText(interval_s)}`;
  if (at) return `Once, ${format.format(Date.parse(at))}`;
  return "Never";
}

function intervalText(seconds: number): string {
  if (seconds % 86_400 === 0) return seconds === 86_400 ? "day" : `${seconds / 86_400} days`;
  if (seconds % 3_600 === 0) return seconds === 3_600 ? "hour" : `${seconds / 3_600} hours`;
  if (seconds % 60 === 0) return seconds === 60 ? "minute" : `${seconds / 60} minutes`;
  return duration(seconds);
}

export function cronText(cron: string): string {
  const [minute = "", hour = "", day, month, weekday = ""] = cron.trim().split(/\s+/);
  const m = number(minute);
  const h = number(hour);
  if (day !== "*" || month !== "*") return `Cron ${cron}`;
  const every = /^\*\/(\d+)$/.exec(minute);
  if (hour === "*" && weekday === "*") {
    if (minute === "*") return "Every minute";
    if (every) return `Every ${every[1]} minutes`;
    if (m !== null) return `Every hour, at :${String(m).padStart(2, "0")}`;
  }
  if (m === null || h === null) return `Cron ${cron}`;
  if (weekday === "*") return `Every day at ${clock(h, m)}`;
  if (weekday === "1-5") return `Monday to Friday at ${clock(h, m)}`;
  const on = number(weekday);
  return on !== null && on <= 7 ? `Every ${DAYS[on % 7]} at ${clock(h, m)}` : `Cron ${cron}`;
}

export const PRESETS = [
  { value: "0 * * * *", label: "Every hour" },
  { value: "0 3 * * *", label: "Every day at 03:00" },
  { value: "0 3 * * 1", label: "Every Monday at 03:00" },
  { value: "0 3 * * 1-5", label: "Monday to Friday at 03:00" },
  { value: "*/15 * * * *", label: "Every 15 minutes" },
];

const UNIT_S = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 } as const;
export type Unit = keyof typeof UNIT_S;
export const UNITS = Object.keys(UNIT_S) as Unit[];

/** A number of seconds in the largest unit that divides it. */
export function inUnits(seconds: number): [count: number, unit: Unit] {
  const unit = [...UNITS].reverse().find((name) => seconds % UNIT_S[name] === 0) ?? "seconds";
  return [seconds / UNIT_S[unit], unit];
}

export const toSeconds = (count: number, unit: Unit): number => count * UNIT_S[unit];

/** A moment as an `<input type="datetime-local">` shows it, in the browser's own zone. */
export function toLocalInput(iso: string | null | undefined): string {
  if (!iso) return "";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

export function fromLocalInput(text: string): string | null {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
