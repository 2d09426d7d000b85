// Used by the build too: nothing here may import anything.

export const BUCKETS = 128;

/** Icons that come with the shell; any other is fetched when it is first drawn. */
export const EAGER_ICONS = [
  "alert-circle",
  "alert-triangle",
  "arrow-left",
  "calendar-time",
  "check",
  "chevron-down",
  "chevron-right",
  "chevron-up",
  "circle-check",
  "circle-x",
  "clock",
  "copy",
  "device-desktop",
  "dots-vertical",
  "download",
  "external-link",
  "info-circle",
  "key",
  "list-details",
  "loader-2",
  "logout",
  "moon",
  "pencil",
  "player-pause",
  "player-play",
  "player-stop",
  "plug",
  "plus",
  "puzzle",
  "refresh",
  "search",
  "settings",
  "sun",
  "trash",
  "upload",
  "user",
  "users",
  "wifi-off",
  "x",
] as const;

/** The name as Tabler's files have it, from any way that people write it: `IconHome2`, `ti-home-2`, `home_2`. */
export function tablerName(name: string): string {
  const plain = name.trim().replace(/^(ti[ -]ti-|ti-|icon-|tabler-)/i, "");
  if (!/^Icon[A-Z0-9]/.test(plain)) return plain.toLowerCase().replace(/[ _]+/g, "-");
  return plain
    .slice("Icon".length)
    .replace(/([a-z])([A-Z0-9])/g, "$1-$2")
    .replace(/([0-9])([A-Z])/g, "$1-$2")
    .toLowerCase();
}

export function bucketOf(name: string): number {
  let hash = 0;
  for (let at = 0; at < name.length; at++) hash = (hash * 31 + name.charCodeAt(at)) >>> 0;
  return hash % BUCKETS;
}
