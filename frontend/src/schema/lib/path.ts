/** Any JSON object. */
export type Values = Record<string, unknown>;

/** The value of a key that is written so, else of the path `a.b` that it may be; undefined where there is none. */
export function at(values: unknown, path: string): unknown {
  if (!isObject(values)) return undefined;
  if (Object.hasOwn(values, path)) return values[path];
  let node: unknown = values;
  for (const part of path.split(".")) {
    if (Array.isArray(node) && /^\d+$/.test(part)) node = node[Number(part)];
    else if (isObject(node) && Object.hasOwn(node, part)) node = node[part];
    else return undefined;
  }
  return node;
}

export function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Neither absent, null, empty text nor empty list. */
export function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && !value.length);
}
