import { FORMATTERS, text } from "./format";
import { at } from "./path";

const SLOT = /\{\{\s*([^{}|]*?)\s*(?:\|\s*(\w+)\s*)?\}\}/g;

/**
 * Fill `{{key}}`, `{{a.b}}` and `{{key|datetime}}` from a document. What is missing is empty, an unknown
 * format is plain text. The answer is text and never HTML: React writes it as such.
 */
export function fill(template: string, values: unknown): string {
  return template.replace(SLOT, (_, path: string, format: string | undefined) => {
    const value = at(values, path);
    return value === undefined || value === null ? "" : (FORMATTERS[format ?? "text"] ?? text)(value);
  });
}

/** As `fill`, for an address: a value can add to it, and never change where it leads or what it does. */
export function fillHref(template: string, values: unknown): string | null {
  const whole = /^\s*\{\{[^{}]*\}\}/.test(template);
  const filled = whole
    ? fill(template, values)
    : template.replace(SLOT, (slot) => encodeURIComponent(fill(slot, values)));
  return safeHref(filled);
}

/** An address of the web, of mail or of this UI; null for everything else, `javascript:` above all. */
export function safeHref(address: unknown): string | null {
  if (typeof address !== "string") return null;
  const plain = address.trim();
  if (/^(https?:\/\/[^\s]|mailto:)/i.test(plain)) return plain;
  return /^\/(?![/\\])/.test(plain) ? plain : null;
}
