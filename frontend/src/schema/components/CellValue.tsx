import { Badge, Image, Progress, Text } from "@mantine/core";
import { Icon } from "@/shared/icons/Icon";
import { FORMATTERS, moment, text, toNumber, truthy } from "../lib/format";
import { color } from "../lib/style";
import { safeHref } from "../lib/templates";
import { OutLink } from "./buttons";
import { safeImage } from "./content";

interface Props {
  value: unknown;
  render: string | null | undefined;
  colors?: Record<string, string> | null | undefined;
  label: string;
}

/** A value as its column's `render` says; as text where it says nothing, or what is not known. */
export function CellValue({ value, render, colors, label }: Props) {
  if (value === undefined || value === null || value === "") return null;
  switch (render) {
    case "datetime":
    case "date":
    case "time": {
      const shown = (FORMATTERS[render] ?? text)(value);
      const exact = moment(value)?.toISOString();
      return exact ? (
        <time dateTime={exact} title={text(value)} style={{ whiteSpace: "nowrap" }}>
          {shown}
        </time>
      ) : (
        shown
      );
    }
    case "boolean": {
      const on = truthy(value);
      return (
        <Text span c={on ? "green" : "dimmed"} lh={0} data-value={on}>
          <Icon name={on ? "circle-check" : "circle-x"} size={20} label={on ? "Yes" : "No"} />
        </Text>
      );
    }
    case "badge":
      return <Badges value={value} colors={colors} />;
    case "link": {
      const href = safeHref(value);
      const shown = <Words>{text(value)}</Words>;
      return href ? <OutLink href={href}>{shown}</OutLink> : shown;
    }
    case "image":
      return safeImage(text(value)) ? (
        <Image
          src={text(value)}
          alt={label}
          h={32}
          w="auto"
          maw={80}
          fit="contain"
          radius="sm"
          loading="lazy"
          referrerPolicy="no-referrer"
        />
      ) : (
        text(value)
      );
    case "progress":
      return <Share value={value} label={label} />;
    case "number":
    case "bytes":
    case "duration":
      return <span style={{ whiteSpace: "nowrap" }}>{FORMATTERS[render]?.(value)}</span>;
    default:
      return <Words>{text(value)}</Words>;
  }
}

/** A word longer than this is none: an address or a token, which may break anywhere. */
const LONG_WORD = /\S{32}/;

function Words({ children }: { children: string }) {
  if (!LONG_WORD.test(children)) return children;
  return (
    <span style={{ display: "inline-block", minWidth: "18ch", overflowWrap: "anywhere" }}>{children}</span>
  );
}

function Badges({ value, colors }: Pick<Props, "value" | "colors">) {
  const all = Array.isArray(value) ? value : [value];
  return all.map((one) => (
    <Badge
      key={text(one)}
      variant="light"
      tt="none"
      fw={600}
      mr={4}
      // A cell gives it the room that it needs.
      styles={{ root: { maxWidth: "none", overflow: "visible" }, label: { overflow: "visible" } }}
      color={color(colors?.[text(one)]) ?? "gray"}
    >
      {text(one)}
    </Badge>
  ));
}

/** Percent, from 0 to 100. */
function Share({ value, label }: { value: unknown; label: string }) {
  const found = toNumber(value);
  if (found === null) return text(value);
  const share = Math.min(100, Math.max(0, found));
  return (
    <span style={{ display: "flex", alignItems: "center", gap: 8, minWidth: 110 }}>
      <Progress value={share} flex={1} aria-label={label} color={share >= 100 ? "green" : undefined} />
      <Text span size="xs" style={{ fontVariantNumeric: "tabular-nums" }}>
        {Math.round(found)} %
      </Text>
    </span>
  );
}

/** Renderers whose values stand below one another by their last digit. */
const NUMBERS = new Set(["number", "bytes", "duration"]);

export function alignment(render: string | null | undefined): "right" | undefined {
  return render && NUMBERS.has(render) ? "right" : undefined;
}
