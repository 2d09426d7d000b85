/** The text formats of field values, as `shared/contracts/ui/formats.py` checks them: what is wrong, or null. */

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const DATETIME = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]00:00)$/i;
const COLOR = /^#[0-9a-f]{6}$/i;
const EMAIL = /^[^\s@<>"(),:;[\]\\]{1,64}@[^\s@<>"(),:;[\]\\.]+(\.[^\s@<>"(),:;[\]\\.]+)+$/;
const URL_LIKE = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+\S*$/i;
const SCRIPTS = /^(javascript|data|vbscript):/i;

export function isDay(text: string): boolean {
  if (!DATE.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

export const FORMATS: Record<string, (text: string) => string | null> = {
  date: (text) =>
    DATE.test(text) ? (isDay(text) ? null : "is no day of the calendar") : "must be a date as YYYY-MM-DD",
  time: (text) => (TIME.test(text) ? null : "must be a time as HH:MM"),
  datetime: (text) => {
    const match = DATETIME.exec(text);
    if (!match) return "must be a time in UTC as YYYY-MM-DDTHH:MM:SSZ";
    return isDay(match[1] ?? "") ? null : "is no day of the calendar";
  },
  color: (text) => (COLOR.test(text) ? null : "must be a colour as #rrggbb"),
  email: (text) => (text.length <= 254 && EMAIL.test(text) ? null : "must be an e-mail address"),
  url: (text) =>
    URL_LIKE.test(text) && !SCRIPTS.test(text) ? null : "must be a URL such as https://example.com/path",
};
