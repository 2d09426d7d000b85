import { WebSocket as ReconnectingWebSocket } from "partysocket";
import { CLOSED, parse, type TopicFrame } from "./protocol";

export type LiveState = "off" | "connecting" | "live" | "lost" | "refused";

/** `subscribed`: from now on frames come; what was read before may lack what happened in between. */
export type TopicEvent =
  | { type: "frame"; frame: TopicFrame }
  | { type: "reload" | "subscribed"; topic: string };

type TopicListener = (event: TopicEvent) => void;
type UpdateListener = (data: Record<string, unknown>) => void;

/** The part of a WebSocket that is used; tests write their own. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
  reconnect(): void;
}

export interface LiveOptions {
  open: () => Socket;
  /** A token that holds, or null where nobody is logged in. */
  token: () => Promise<string | null>;
  /** The token was refused: get another. */
  refused: (token: string) => Promise<unknown>;
}

const PING_MS = 20_000;
const PONG_WITHIN_MS = 10_000;

/**
 * One WebSocket for the whole browser tab. Whoever needs a topic asks for it as long as it is on the
 * page; after a lost connection each topic goes on where it stood, or says that it has to be read anew.
 */
export class LiveConnection {
  #options: LiveOptions;
  #socket: Socket | null = null;
  #state: LiveState = "off";
  #ready = false;
  #token: string | null = null;
  #listeners = new Map<string, Set<TopicListener>>();
  #positions = new Map<string, string>();
  #updates = new Set<UpdateListener>();
  #watchers = new Set<() => void>();
  #everReady = false;
  #pending = new Set<string>();
  #pinging: ReturnType<typeof setInterval> | undefined;
  #awaitingPong: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get state(): LiveState {
    return this.#state;
  }

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  start(): void {
    if (this.#socket) return;
    this.#become("connecting");
    const socket = this.#options.open();
    this.#socket = socket;
    socket.onopen = () => void this.#authenticate(socket);
    socket.onmessage = (event) => this.#receive(String(event.data));
    socket.onclose = (event) => this.#closed(event.code);
  }

  stop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    this.#everReady = false;
    this.#positions.clear();
    this.#quiet();
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#become("off");
  }

  /** Hear of a topic until the returned function is called. */
  subscribe(topic: string, listener: TopicListener): () => void {
    let listeners = this.#listeners.get(topic);
    if (!listeners) {
      listeners = new Set();
      this.#listeners.set(topic, listeners);
      this.#want(topic);
    } else if (!listeners.size) {
      // Nobody heard the frames of the moment in which one page replaced another.
      queueMicrotask(() => this.#tellTopic(topic, { type: "subscribed", topic }));
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size || this.#listeners.get(topic) !== listeners) return;
      // What replaces a page often asks for the same topics a moment later.
      setTimeout(() => this.#leave(topic, listeners), 250);
    };
  }

  onUpdate(listener: UpdateListener): () => void {
    this.#updates.add(listener);
    return () => this.#updates.delete(listener);
  }

  async #authenticate(socket: Socket): Promise<void> {
    this.#token = await this.#options.token();
    if (socket !== this.#socket) return;
    if (this.#token === null) {
      this.stop();
      return;
    }
    socket.send(JSON.stringify({ op: "auth", token: this.#token }));
  }

  #receive(text: string): void {
    const incoming = parse(text);
    switch (incoming.kind) {
      case "ready":
        this.#onReady();
        return;
      case "subscribed":
        for (const [topic, at] of Object.entries(incoming.positions)) {
          if (!this.#listeners.has(topic) || this.#positions.has(topic)) continue;
          this.#positions.set(topic, at);
          this.#tellTopic(topic, { type: "subscribed", topic });
        }
        return;
      case "topic":
        this.#positions.set(incoming.frame.topic, incoming.frame.at);
        this.#tellTopic(incoming.frame.topic, { type: "frame", frame: incoming.frame });
        return;
      case "reload":
        this.#positions.delete(incoming.topic);
        this.#tellTopic(incoming.topic, { type: "reload", topic: incoming.topic });
        return;
      case "update":
        for (const listener of [...this.#updates]) listener(incoming.data);
        return;
      case "pong":
        clearTimeout(this.#awaitingPong);
        return;
      default:
    }
  }

  #onReady(): void {
    const again = this.#everReady;
    this.#ready = true;
    this.#everReady = true;
    this.#become("live");
    const topics = [...this.#listeners.keys()];
    this.#send("subscribe", topics);
    if (again) {
      // A topic without a position cannot be resumed: what it missed is read anew.
      for (const topic of topics) {
        if (!this.#positions.has(topic)) this.#tellTopic(topic, { type: "reload", topic });
      }
    }
    clearInterval(this.#pinging);
    this.#pinging = setInterval(() => this.#ping(), PING_MS);
  }

  #closed(code: number): void {
    this.#ready = false;
    this.#quiet();
    if (code === CLOSED.forbidden) {
      this.#socket?.close();
      this.#become("refused");
      return;
    }
    if (code === CLOSED.unauthenticated && this.#token) {
      void this.#options.refused(this.#token);
    }
    this.#become("lost");
  }

  #ping(): void {
    this.#socket?.send(JSON.stringify({ op: "ping" }));
    clearTimeout(this.#awaitingPong);
    // A connection that died without a word is found out here and nowhere else.
    this.#awaitingPong = setTimeout(() => {
      this.#ready = false;
      this.#become("lost");
      this.#socket?.reconnect();
    }, PONG_WITHIN_MS);
  }

  #quiet(): void {
    clearInterval(this.#pinging);
    clearTimeout(this.#awaitingPong);
  }

  #want(topic: string): void {
    if (!this.#ready) return;
    if (this.#pending.size === 0) {
      queueMicrotask(() => {
        const topics = [...this.#pending].filter((name) => this.#listeners.has(name));
        this.#pending.clear();
        if (this.#ready) this.#send("subscribe", topics);
      });
    }
    this.#pending.add(topic);
  }

  #leave(topic: string, listeners: Set<TopicListener>): void {
    if (listeners.size || this.#listeners.get(topic) !== listeners) return;
    this.#listeners.delete(topic);
    this.#positions.delete(topic);
    if (this.#ready) this.#send("unsubscribe", [topic]);
  }

  #send(op: "subscribe" | "unsubscribe", topics: string[]): void {
    if (topics.length === 0) return;
    const since: Record<string, string> = {};
    for (const topic of topics) {
      const at = this.#positions.get(topic);
      if (at) since[topic] = at;
    }
    this.#socket?.send(JSON.stringify(op === "subscribe" ? { op, topics, since } : { op, topics }));
  }

  #tellTopic(topic: string, event: TopicEvent): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(event);
  }

  #become(state: LiveState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A socket that opens itself again, soon and with jitter. */
export function openSocket(): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new ReconnectingWebSocket(`${scheme}://${location.host}/ws/`, [], {
    minReconnectionDelay: 200 + Math.random() * 300,
    maxReconnectionDelay: 8_000,
    reconnectionDelayGrowFactor: 1.7,
    connectionTimeout: 8_000,
    maxEnqueuedMessages: 0,
  }) as unknown as Socket;
}
