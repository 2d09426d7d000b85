import { describe, expect, it } from "vitest";
import { LiveConnection, type Socket, type TopicEvent } from "./connection";

/** A socket whose other end is the test. */
class Wire implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  sent: Record<string, unknown>[] = [];
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {}
  reconnect() {}
  say(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const moment = () => new Promise((done) => setTimeout(done));

async function connected() {
  const wire = new Wire();
  const live = new LiveConnection({ open: () => wire, token: async () => "t", refused: async () => {} });
  live.start();
  wire.onopen?.();
  await moment();
  wire.say({ type: "ready", user: { username: "u", level: "admin" } });
  return { wire, live };
}

describe("a topic", () => {
  it("says when its frames begin, since what was read before may lack what came in between", async () => {
    const { wire, live } = await connected();
    const heard: TopicEvent["type"][] = [];
    live.subscribe("data.p.c", (event) => heard.push(event.type));
    await moment();
    expect(wire.sent.at(-1)).toEqual({ op: "subscribe", topics: ["data.p.c"], since: {} });
    wire.say({ type: "subscribed", topics: { "data.p.c": "e:1" } });
    wire.say({ topic: "data.p.c", at: "e:2", type: "item.added", id: "1", time: "", data: {} });
    wire.say({ type: "subscribed", topics: { "data.p.c": "e:2" } });
    expect(heard).toEqual(["subscribed", "frame"]);
  });

  it("says so again to who comes after the last one left", async () => {
    const { wire, live } = await connected();
    const leave = live.subscribe("runs", () => {});
    await moment();
    wire.say({ type: "subscribed", topics: { runs: "e:1" } });
    leave();
    const heard: string[] = [];
    live.subscribe("runs", (event) => heard.push(event.type));
    await moment();
    expect(heard).toEqual(["subscribed"]);
  });
});
