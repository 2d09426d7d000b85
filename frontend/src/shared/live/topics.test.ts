import { expect, test } from "vitest";
import { topics } from "./topics";

test("a topic is made of tokens, as the bus makes them", () => {
  expect(topics.data("my_plugin", "events")).toBe("data.my_plugin.events");
  expect(topics.data("My plug", "é.*>")).toBe("data.=4Dy=20plug.=C3=A9=2E=2A=3E");
});
