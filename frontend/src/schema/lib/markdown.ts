/** A small Markdown: what plugin authors write on pages. HTML in it stays text, whatever it says. */

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "em" | "del"; children: Inline[] }
  | { kind: "link"; href: string; children: Inline[] }
  | { kind: "image"; src: string; alt: string }
  | { kind: "break" };

export type Block =
  | { kind: "heading"; level: number; children: Inline[] }
  | { kind: "paragraph"; children: Inline[] }
  | { kind: "code"; text: string; language: string }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; ordered: boolean; start: number; items: Block[][] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

const MOST_DEPTH = 8;

const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const FENCE = /^ {0,3}(```+|~~~+)\s*([\w+#.-]*)/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const TABLE_LINE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function parse(text: string, depth = 0): Block[] {
  const lines = text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n");
  const blocks: Block[] = [];
  let at = 0;
  const take = (while_: (line: string, index: number) => boolean): string[] => {
    const from = at;
    while (at < lines.length && while_(lines[at] ?? "", at)) at += 1;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    const item = ITEM.exec(line);
    if (!line.trim()) at += 1;
    else if (fence) {
      at += 1;
      const mark = fence[1] ?? "```";
      const body = take((one) => !one.trim().startsWith(mark));
      at += 1;
      blocks.push({ kind: "code", text: body.join("\n"), language: fence[2] ?? "" });
    } else if (heading) {
      at += 1;
      blocks.push({ kind: "heading", level: heading[1]?.length ?? 1, children: inline(heading[2] ?? "") });
    } else if (RULE.test(line)) {
      at += 1;
      blocks.push({ kind: "rule" });
    } else if (QUOTE.test(line) && depth < MOST_DEPTH) {
      const body = take((one) => QUOTE.test(one)).map((one) => QUOTE.exec(one)?.[1] ?? "");
      blocks.push({ kind: "quote", blocks: parse(body.join("\n"), depth + 1) });
    } else if (item && depth < MOST_DEPTH) {
      blocks.push(list(item, take, () => lines[at], depth));
    } else if (
      line.includes("|") &&
      TABLE_LINE.test(lines[at + 1] ?? "") &&
      (lines[at + 1] ?? "").includes("-")
    ) {
      at += 2;
      const rows = take((one) => one.includes("|") && one.trim() !== "");
      blocks.push({ kind: "table", head: cells(line), rows: rows.map(cells) });
    } else {
      const first = at;
      const body = take((one, index) => one.trim() !== "" && (index === first || !interrupts(one)));
      blocks.push({
        kind: "paragraph",
        children: inline(body.map((one) => one.replace(/^ +/, "")).join("\n")),
      });
    }
  }
  return blocks;
}

function interrupts(line: string): boolean {
  return HEADING.test(line) || FENCE.test(line) || QUOTE.test(line) || RULE.test(line) || ITEM.test(line);
}

function list(
  first: RegExpExecArray,
  take: (while_: (line: string, index: number) => boolean) => string[],
  next: () => string | undefined,
  depth: number,
): Block {
  const ordered = /\d/.test(first[2] ?? "");
  const items: Block[][] = [];
  const same = (line: string | undefined) => {
    const item = line === undefined ? null : ITEM.exec(line);
    return item && /\d/.test(item[2] ?? "") === ordered ? item : null;
  };
  for (let item = same(next()); item; item = same(next())) {
    const indent = (item[1]?.length ?? 0) + (item[2]?.length ?? 1) + 1;
    let opening = true;
    let blank = false;
    const lines = take((line) => {
      if (opening) {
        opening = false;
        return true;
      }
      const inside = line.startsWith(" ".repeat(Math.min(indent, 2))) || !line.trim();
      if (blank && !inside) return false;
      blank = !line.trim();
      return inside || (!ITEM.test(line) && !interrupts(line));
    });
    const body = [
      item[4] ?? "",
      ...lines.slice(1).map((line) => line.replace(new RegExp(`^ {0,${indent}}`), "")),
    ];
    items.push(parse(body.join("\n"), depth + 1));
  }
  return { kind: "list", ordered, start: ordered ? Number.parseInt(first[2] ?? "1", 10) : 1, items };
}

function cells(line: string): Inline[][] {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replace(/\\\|/g, "|")));
}

const MARKS: [RegExp, (match: RegExpExecArray, depth: number) => Inline][] = [
  [/^\\([!-/:-@[-`{-~])/, ([, text = ""]) => ({ kind: "text", text })],
  [
    /^(`+)([^`]|[^`].*?[^`])\1(?!`)/s,
    (match) => ({ kind: "code", text: (match[2] ?? "").replace(/\n/g, " ") }),
  ],
  [
    /^!\[([^\]]*)\]\(([^()\s]*(?:\([^()\s]*\))?[^()\s]*)\)/,
    ([, alt = "", src = ""]) => ({ kind: "image", src, alt }),
  ],
  [
    /^\[((?:[^[\]]|\[[^[\]]*\])+)\]\(([^()\s]*(?:\([^()\s]*\))?[^()\s]*)\)/,
    ([, label = "", href = ""], depth) => ({ kind: "link", href, children: inline(label, depth + 1) }),
  ],
  [
    /^<(https?:\/\/[^\s<>]+)>/,
    ([, href = ""]) => ({ kind: "link", href, children: [{ kind: "text", text: href }] }),
  ],
  [
    /^https?:\/\/[^\s<>()]+[^\s<>().,:;!?'"]/,
    ([href]) => ({ kind: "link", href, children: [{ kind: "text", text: href }] }),
  ],
  [
    /^\*\*(?=\S)(.+?)(?<=\S)\*\*(?!\*)/s,
    ([, text = ""], depth) => ({ kind: "strong", children: inline(text, depth + 1) }),
  ],
  [
    /^__(?=\S)(.+?)(?<=\S)__(?!\w)/s,
    ([, text = ""], depth) => ({ kind: "strong", children: inline(text, depth + 1) }),
  ],
  [
    /^~~(?=\S)(.+?)(?<=\S)~~/s,
    ([, text = ""], depth) => ({ kind: "del", children: inline(text, depth + 1) }),
  ],
  [
    /^\*(?=\S)([^*]+?)(?<=\S)\*/s,
    ([, text = ""], depth) => ({ kind: "em", children: inline(text, depth + 1) }),
  ],
  [
    /^_(?=\S)([^_]+?)(?<=\S)_(?!\w)/s,
    ([, text = ""], depth) => ({ kind: "em", children: inline(text, depth + 1) }),
  ],
  [/^ {2,}\n|^\\\n/, () => ({ kind: "break" })],
];
/** Where a mark can begin; everything between is text. */
const PLAIN = /^(?:[^\\`![<*_~h ]+|.)/s;
const WORD = /\w$/;
/** A mark is looked for in so many characters, so that no text takes quadratic time. */
const REACH = 4_000;

export function inline(text: string, depth = 0): Inline[] {
  const found: Inline[] = [];
  let plain = "";
  let rest = text;
  const flush = () => {
    if (plain) found.push({ kind: "text", text: plain });
    plain = "";
  };
  outer: while (rest) {
    if (depth < MOST_DEPTH) {
      const near = rest.slice(0, REACH);
      for (const [pattern, make] of MARKS) {
        // `snake_case` and `xhttps:` are no marks.
        if ((near[0] === "_" || near[0] === "h") && WORD.test(plain)) break;
        const match = pattern.exec(near);
        if (!match) continue;
        flush();
        found.push(make(match, depth));
        rest = rest.slice(match[0].length);
        continue outer;
      }
    }
    const [step] = PLAIN.exec(rest) ?? [rest];
    plain += step;
    rest = rest.slice(step.length);
  }
  flush();
  return found;
}
