/** Frames of `/ws/`. */

export interface TopicFrame {
  topic: string;
  at: string;
  type: string;
  id: string;
  time: string;
  data: Record<string, unknown>;
}

export interface ReloadFrame {
  topic: string;
  type: "reload";
}

export interface UpdateFrame {
  type: "update";
  data: Record<string, unknown>;
}

export type Incoming =
  | { kind: "topic"; frame: TopicFrame }
  | { kind: "reload"; topic: string }
  | { kind: "ready" }
  | { kind: "subscribed"; positions: Record<string, string> }
  | { kind: "update"; data: Record<string, unknown> }
  | { kind: "pong" }
  | { kind: "error"; code: string; message: string; topic?: string }
  | { kind: "other" };

/** What a text from the server is; anything unknown is `other`, since a newer server may say more. */
export function parse(text: string): Incoming {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return { kind: "other" };
  }
  if (!isObject(frame)) return { kind: "other" };
  const { topic, type } = frame;
  if (typeof topic === "string" && type === "reload") return { kind: "reload", topic };
  if (typeof topic === "string" && typeof frame.at === "string") {
    return { kind: "topic", frame: { data: {}, ...frame } as unknown as TopicFrame };
  }
  switch (type) {
    case "ready":
      return { kind: "ready" };
    case "pong":
      return { kind: "pong" };
    case "subscribed":
      return {
        kind: "subscribed",
        positions: isObject(frame.topics) ? (frame.topics as Record<string, string>) : {},
      };
    case "update":
      return { kind: "update", data: isObject(frame.data) ? frame.data : {} };
    case "error":
    case "notice":
      return {
        kind: "error",
        code: String(frame.code ?? ""),
        message: String(frame.message ?? ""),
        topic: typeof topic === "string" ? topic : undefined,
      };
    default:
      return { kind: "other" };
  }
}

export const CLOSED = {
  unauthenticated: 4401,
  forbidden: 4403,
  tooMany: 4429,
} as const;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
