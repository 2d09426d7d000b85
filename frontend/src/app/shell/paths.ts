/** The path within this UI that a navigation entry leads to; null where it leads elsewhere. */
export function internalPath(path: string): string | null {
  const url = new URL(path, location.origin);
  if (url.origin !== location.origin) return null;
  return url.pathname.startsWith("/api/") ? null : url.pathname + url.search + url.hash;
}
