import { hashKey, type QueryClient, type QueryKey } from "@tanstack/react-query";

/** Frames that come together are one refetch. */
const WINDOW_MS = 50;

/**
 * Marks queries stale as frames come in, at most once per window. A query that is just being fetched
 * is fetched once more afterwards and never interrupted, or a steady stream would starve it.
 */
export class Invalidator {
  #client: QueryClient;
  #dirty = new Map<string, QueryKey>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;

  constructor(client: QueryClient) {
    this.#client = client;
  }

  mark(...stale: QueryKey[]): void {
    for (const key of stale) this.#dirty.set(hashKey(key), key);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#dirty.size === 0) return;
    // The first frame after a pause waits only for those of the same moment.
    const since = performance.now() - this.#last;
    this.#timer = setTimeout(() => this.#flush(), since > 4 * WINDOW_MS ? WINDOW_MS / 5 : WINDOW_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    this.#last = performance.now();
    for (const [hash, queryKey] of [...this.#dirty]) {
      if (this.#client.isFetching({ queryKey }) > 0) continue;
      this.#dirty.delete(hash);
      void this.#client.invalidateQueries({ queryKey }, { cancelRefetch: false });
    }
    this.#schedule();
  }
}
