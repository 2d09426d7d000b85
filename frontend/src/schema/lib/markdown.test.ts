import { describe, expect, it } from "vitest";
import { type Block, type Inline, inline, parse } from "./markdown";

const plain = (parts: readonly Inline[]): string =>
  parts
    .map((part) => {
      if ("text" in part) return part.kind === "code" ? `\`${part.text}\`` : part.text;
      if ("children" in part) return `<${part.kind}>${plain(part.children)}</>`;
      return `<${part.kind}>`;
    })
    .join("");
const kinds = (blocks: readonly Block[]) => blocks.map((block) => block.kind);

describe("blocks", () => {
  it("are told apart", () => {
    const text =
      "# One\nText\nmore\n\n- a\n- b\n\n> quote\n\n```py\nx = 1\n# no heading\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n---\n1. x\n2. y";
    expect(kinds(parse(text))).toEqual([
      "heading",
      "paragraph",
      "list",
      "quote",
      "code",
      "table",
      "rule",
      "list",
    ]);
  });

  it("nest lists", () => {
    const [list] = parse("- a\n  - b\n    still b\n- c");
    expect(list).toMatchObject({
      kind: "list",
      ordered: false,
      items: [[{ kind: "paragraph" }, { kind: "list" }], [{ kind: "paragraph" }]],
    });
    expect(parse("3. x\n4. y")).toMatchObject([{ ordered: true, start: 3, items: [[{}], [{}]] }]);
  });

  it("end, whatever comes", () => {
    for (const text of [
      "```",
      "> ".repeat(500),
      "- ".repeat(500),
      "|".repeat(5_000),
      "[".repeat(5_000),
      "*a ".repeat(5_000),
      "`".repeat(3_000),
      "<".repeat(3_000),
    ]) {
      const began = performance.now();
      parse(text);
      expect(performance.now() - began).toBeLessThan(2_000);
    }
  });
});

describe("inline", () => {
  it("marks text, and leaves what is none", () => {
    expect(plain(inline("a **b *c*** `d*e*` ~~f~~ g_h_i 2 * 3 * 4"))).toBe(
      "a <strong>b <em>c</></> `d*e*` <del>f</> g_h_i 2 * 3 * 4",
    );
    expect(plain(inline("\\*no\\* _yes_"))).toBe("*no* <em>yes</>");
  });

  it("finds links and never makes HTML", () => {
    expect(inline("[a](https://e.com/x_(y)) https://e.com/z. <b>")).toEqual([
      { kind: "link", href: "https://e.com/x_(y)", children: [{ kind: "text", text: "a" }] },
      { kind: "text", text: " " },
      { kind: "link", href: "https://e.com/z", children: [{ kind: "text", text: "https://e.com/z" }] },
      { kind: "text", text: ". <b>" },
    ]);
  });
});
