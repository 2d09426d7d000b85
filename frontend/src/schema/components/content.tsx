import {
  Image,
  Alert as MantineAlert,
  Badge as MantineBadge,
  Divider as MantineDivider,
  Text as MantineText,
  Title as MantineTitle,
  type TitleOrder,
} from "@mantine/core";
import { useState } from "react";
import { Icon } from "@/shared/icons/Icon";
import { badgeVariant, color, isThemeSize, length, weight } from "../lib/style";
import { fill } from "../lib/templates";
import { Notice } from "../Notice";
import { useScope } from "../page/context";
import type { NodeProps } from "../types";
import styles from "./content.module.css";

/** In a dialog that a row opened, or below a result, texts are templates; elsewhere braces are braces. */
export function useFilled(text: string | null | undefined): string {
  const scope = useScope();
  return scope && text ? fill(text, scope) : (text ?? "");
}

export function Text({ node }: NodeProps<"text">) {
  const content = useFilled(node.content);
  return (
    <MantineText
      size={textSize(node.size)}
      fw={weight(node.weight)}
      c={color(node.color)}
      data-ui="text"
      style={{ whiteSpace: "pre-line", overflowWrap: "anywhere" }}
    >
      {content}
    </MantineText>
  );
}

function textSize(size: string | number | null | undefined): string | undefined {
  const found = length(size);
  return typeof found === "number" ? `${found}px` : found;
}

export function Title({ node }: NodeProps<"title">) {
  return (
    <MantineTitle
      order={(node.order ?? 2) as TitleOrder}
      data-ui="title"
      style={{ overflowWrap: "anywhere" }}
    >
      {useFilled(node.content)}
    </MantineTitle>
  );
}

const ALERT_ICONS: Record<string, string> = {
  red: "alert-circle",
  yellow: "alert-triangle",
  orange: "alert-triangle",
  green: "circle-check",
};

export function Alert({ node }: NodeProps<"alert">) {
  const tone = color(node.color) ?? "blue";
  const message = useFilled(node.message);
  return (
    <MantineAlert
      title={useFilled(node.title) || undefined}
      color={tone}
      variant="light"
      icon={<Icon name={node.icon ?? ALERT_ICONS[tone] ?? "info-circle"} />}
      data-ui="alert"
      data-color={tone}
    >
      {message && <span style={{ whiteSpace: "pre-line", overflowWrap: "anywhere" }}>{message}</span>}
    </MantineAlert>
  );
}

export function Badge({ node }: NodeProps<"badge">) {
  return (
    <MantineBadge
      color={color(node.color)}
      variant={badgeVariant(node.variant) ?? "light"}
      size={isThemeSize(node.size) ? node.size : "md"}
      tt="none"
      fw={600}
      style={{ alignSelf: "flex-start" }}
      data-ui="badge"
    >
      {useFilled(node.content)}
    </MantineBadge>
  );
}

export function Divider({ node }: NodeProps<"divider">) {
  const vertical = node.orientation === "vertical";
  return (
    <MantineDivider
      orientation={vertical ? "vertical" : "horizontal"}
      label={vertical ? undefined : (node.label ?? undefined)}
      labelPosition="center"
      className={vertical ? styles.upright : styles.level}
      data-ui="divider"
    />
  );
}

export function Picture({ node }: NodeProps<"image">) {
  const src = useFilled(node.src);
  const alt = useFilled(node.alt);
  const [failed, setFailed] = useState(false);
  if (!src || failed || !safeImage(src)) {
    return (
      <MantineText size="sm" c="dimmed" data-ui="image">
        {alt ? `No picture: ${alt}` : "No picture"}
      </MantineText>
    );
  }
  return (
    <Image
      src={src}
      alt={alt}
      w={length(node.width) ?? "auto"}
      h={length(node.height) ?? "auto"}
      maw="100%"
      fit={node.fit ?? "contain"}
      radius="sm"
      loading="lazy"
      referrerPolicy="no-referrer"
      onError={() => setFailed(true)}
      style={{ alignSelf: "flex-start" }}
      data-ui="image"
    />
  );
}

export function safeImage(src: string): boolean {
  return /^(https?:\/\/|\/(?![/\\])|data:image\/)/i.test(src.trim());
}

export function Invalid({ node }: NodeProps<"invalid">) {
  return <Notice title="This component could not be understood" errors={node.errors} />;
}
