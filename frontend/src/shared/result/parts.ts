/** What there is to see in a result, whatever its shape. */

export interface FileRef {
  id: string;
  name: string;
  size: number;
  type: string;
}

export type Row = Record<string, unknown>;

export type Part =
  | { kind: "table"; name: string; columns: string[]; rows: Row[] }
  | { kind: "files"; name: string; files: FileRef[] }
  | { kind: "values"; values: [string, string][] }
  | { kind: "json"; name: string; value: unknown };

const MOST_COLUMNS = 30;
/** Said by the notification and the heading already. */
const SAID = new Set(["status", "message"]);

/** The parts of a result besides its status and message. */
export function partsOf(result: unknown): Part[] {
  if (result === null || result === undefined) return [];
  if (!isObject(result)) return Array.isArray(result) ? partsOfValue("result", result) : [];
  if (isFile(result)) return [{ kind: "files", name: "File", files: [result] }];
  const values: [string, string][] = [];
  const parts: Part[] = [];
  for (const [name, value] of Object.entries(result)) {
    if (SAID.has(name) || value === null || value === undefined) continue;
    if (typeof value === "object") parts.push(...partsOfValue(name, value));
    // `{status, result: "text"}` is how a plain return value arrives.
    else if (!(name === "result" && typeof value === "string" && result.message === undefined)) {
      values.push([name, String(value)]);
    }
  }
  return values.length ? [{ kind: "values", values }, ...parts] : parts;
}

function partsOfValue(name: string, value: object): Part[] {
  if (isFile(value)) return [{ kind: "files", name, files: [value] }];
  if (!Array.isArray(value)) return Object.keys(value).length ? [{ kind: "json", name, value }] : [];
  if (value.length === 0) return [];
  if (value.every(isFile)) return [{ kind: "files", name, files: value }];
  if (value.every(isObject)) {
    const columns = [...new Set(value.flatMap((row) => Object.keys(row)))].slice(0, MOST_COLUMNS);
    return [{ kind: "table", name, columns, rows: value }];
  }
  if (value.every((item) => typeof item !== "object" || item === null)) {
    return [
      { kind: "table", name, columns: ["value"], rows: value.map((item: unknown) => ({ value: item })) },
    ];
  }
  return [{ kind: "json", name, value }];
}

/** A cell's text. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The rows in which any cell contains the text. */
export function found(rows: Row[], search: string): Row[] {
  const wanted = search.trim().toLowerCase();
  if (!wanted) return rows;
  return rows.filter((row) =>
    Object.values(row).some((value) => cellText(value).toLowerCase().includes(wanted)),
  );
}

function isObject(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFile(value: unknown): value is FileRef & Row {
  return (
    isObject(value) &&
    typeof value.id === "string" &&
    typeof value.name === "string" &&
    typeof value.size === "number" &&
    typeof value.type === "string"
  );
}
