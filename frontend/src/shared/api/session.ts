import { useSyncExternalStore } from "react";

/** Two tokens, kept over reloads and shared by all tabs of this browser. */
export interface Tokens {
  access: string;
  refresh: string;
}

const KEY = "plugarr.session";
/** A token this close to its end is renewed before it is used. */
const RENEW_BEFORE_S = 30;

type Listener = () => void;

class Session {
  #tokens: Tokens | null = read();
  #listeners = new Set<Listener>();
  #renewal: Promise<string | null> | null = null;

  constructor() {
    window.addEventListener("storage", (event) => {
      if (event.key !== KEY && event.key !== null) return;
      this.#tokens = read();
      this.#tell();
    });
  }

  get tokens(): Tokens | null {
    return this.#tokens;
  }

  start(tokens: Tokens): void {
    this.#tokens = tokens;
    localStorage.setItem(KEY, JSON.stringify(tokens));
    this.#tell();
  }

  end(): void {
    if (this.#tokens === null) return;
    this.#tokens = null;
    localStorage.removeItem(KEY);
    this.#tell();
  }

  subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** An access token that still holds, or null where one has to log in. */
  async accessToken(): Promise<string | null> {
    const tokens = this.#tokens;
    if (!tokens) return null;
    return expiresInS(tokens.access) > RENEW_BEFORE_S ? tokens.access : this.renew(tokens.access);
  }

  /** Renew after `used` was refused or ran out; whoever asks at the same time waits for the same answer. */
  renew(used: string): Promise<string | null> {
    this.#renewal ??= this.#underLock(used).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  // Tabs share their tokens: one renews, the others find what it got.
  #underLock(used: string): Promise<string | null> {
    const work = () => this.#renew(used);
    return navigator.locks ? navigator.locks.request("plugarr.renew", work) : work();
  }

  async #renew(used: string): Promise<string | null> {
    const stored = read();
    if (!stored) {
      this.end();
      return null;
    }
    if (stored.access !== used) {
      this.#tokens = stored;
      return stored.access;
    }
    let response: Response;
    try {
      response = await fetch("/api/accounts/token/refresh/", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ refresh: stored.refresh }),
      });
    } catch {
      return stored.access; // The gateway is away, which is no reason to log anybody out.
    }
    if (response.ok) {
      const tokens = (await response.json()) as Tokens;
      this.start(tokens);
      return tokens.access;
    }
    if (response.status === 401 || response.status === 400) {
      this.end();
      return null;
    }
    return stored.access;
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function read(): Tokens | null {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "null") as Partial<Tokens> | null;
    return stored?.access && stored.refresh ? { access: stored.access, refresh: stored.refresh } : null;
  } catch {
    return null;
  }
}

interface Claims {
  exp?: number;
  user_id?: string;
}

function claimsOf(token: string): Claims {
  try {
    const payload = token.split(".")[1] ?? "";
    return JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/"))) as Claims;
  } catch {
    return {};
  }
}

const expiresInS = (token: string): number => (claimsOf(token).exp ?? 0) - Date.now() / 1000;
const subjectOf = (token: string): string => claimsOf(token).user_id ?? "";

export const session = new Session();

/** Who is logged in, by the token's own word; null where nobody is. Renewed tokens are the same somebody. */
export function useSubject(): string | null {
  return useSyncExternalStore(session.subscribe, () =>
    session.tokens ? subjectOf(session.tokens.access) : null,
  );
}
