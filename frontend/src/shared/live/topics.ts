/** The names of topics, as `shared/contracts/names.py` makes them. */

/** `[a-z0-9_-]` stays, every other UTF-8 byte is `=XX`. */
export function token(name: string): string {
  let out = "";
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte);
    out += /[a-z0-9_-]/.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

export const topics = {
  plugins: "plugins",
  navigation: "navigation",
  runs: "runs",
  schedules: "schedules",
  data: (plugin: string, collection: string) => `data.${token(plugin)}.${token(collection)}`,
  runsOf: (plugin: string) => `runs.${token(plugin)}`,
  run: (id: string) => `run.${id}`,
  log: (id: string) => `log.${id}`,
  progress: (id: string) => `progress.${id}`,
} as const;
