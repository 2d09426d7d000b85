import { describe, expect, it } from "vitest";
import { bytes, date, duration, moment, number } from "./format";
import { fill, fillHref, safeHref } from "./templates";

describe("fill", () => {
  it("writes keys, paths and nothing where there is none", () => {
    const item = {
      title: "Final",
      team: { name: "Rovers" },
      "a.b": 1,
      list: ["x", "y"],
      none: null,
      zero: 0,
    };
    expect(fill("{{title}}: {{ team.name }}, {{a.b}}", item)).toBe("Final: Rovers, 1");
    expect(fill("[{{missing}}{{none}}{{team.nope.deeper}}] {{zero}} {{list}}", item)).toBe("[] 0 x, y");
    expect(fill("{{constructor}}{{team.__proto__}}", item)).toBe("");
  });

  it("formats by name and never makes HTML", () => {
    expect(
      fill("{{size|bytes}} {{s | duration}} {{on|boolean}} {{x|what}}", {
        size: 1536,
        s: 65,
        on: true,
        x: 1,
      }),
    ).toBe("1.5 kB 1 min 5 s Yes 1");
    expect(fill("{{start|datetime}}", { start: "2030-01-31T18:00:00Z" })).toBe(
      new Date("2030-01-31T18:00:00Z").toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }),
    );
    expect(fill("{{x}}", { x: "<b>{{y}}</b>", y: 1 })).toBe("<b>{{y}}</b>");
  });

  it("leaves braces that name nothing alone", () => {
    expect(fill("{ } {{ {x} }} }}", { x: 1 })).toBe("{ } {{ {x} }} }}");
  });
});

describe("addresses", () => {
  it("lead to the web, to mail and into this UI only", () => {
    expect(safeHref("https://example.com/a")).toBe("https://example.com/a");
    expect(safeHref("mailto:a@b.c")).toBe("mailto:a@b.c");
    expect(safeHref("/plugins/x")).toBe("/plugins/x");
    for (const bad of [
      "javascript:alert(1)",
      " JAVASCRIPT:alert(1)",
      "data:text/html,x",
      "//evil",
      "/\\evil",
      "evil",
      5,
      null,
    ]) {
      expect(safeHref(bad)).toBeNull();
    }
  });

  it("are filled without changing where they lead", () => {
    expect(fillHref("https://example.com/{{id}}", { id: "../../x?y" })).toBe(
      "https://example.com/..%2F..%2Fx%3Fy",
    );
    expect(fillHref("{{url}}", { url: "javascript:alert(1)" })).toBeNull();
    expect(fillHref("{{url}}", { url: "https://a.b/c?d" })).toBe("https://a.b/c?d");
  });
});

describe("formats", () => {
  it("know moments by text, seconds and milliseconds", () => {
    expect(moment("2030-01-31T18:00:00")?.toISOString()).toBe("2030-01-31T18:00:00.000Z");
    expect(moment("2030-01-31 18:00:00")?.toISOString()).toBe("2030-01-31T18:00:00.000Z");
    expect(moment("2030-01-31T18:00:00+02:00")?.toISOString()).toBe("2030-01-31T16:00:00.000Z");
    expect(moment(1_900_000_000)?.getUTCFullYear()).toBe(2030);
    expect(moment(1_900_000_000_000)?.getUTCFullYear()).toBe(2030);
    expect(moment("soon")).toBeNull();
  });

  it("keep what they do not understand", () => {
    expect([number("x"), bytes("x"), duration("x"), date("x")]).toEqual(["x", "x", "x", "x"]);
    expect([bytes(0), bytes(999), bytes(1_000), bytes(123_456_789)]).toEqual([
      "0 B",
      "999 B",
      "1 kB",
      "123 MB",
    ]);
    expect([duration(0.85), duration(12.34), duration(3600), duration(90_000)]).toEqual([
      "850 ms",
      "12.3 s",
      "1 h",
      "1 d 1 h",
    ]);
  });
});
