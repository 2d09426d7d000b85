// biome-ignore-all lint/suspicious/noArrayIndexKey: parsed text has no ids, and is drawn anew whole when it changes
import {
  ActionIcon,
  Blockquote,
  Box,
  CopyButton,
  Divider,
  Group,
  Image,
  Code as MantineCode,
  Table,
  Text,
  Title,
  type TitleOrder,
  Tooltip,
} from "@mantine/core";
import { Fragment, type ReactNode, useMemo } from "react";
import { Icon } from "@/shared/icons/Icon";
import { type Block, type Inline, parse } from "../lib/markdown";
import { safeHref } from "../lib/templates";
import type { NodeProps } from "../types";
import { OutLink } from "./buttons";
import { safeImage, useFilled } from "./content";
import styles from "./texts.module.css";

export default function Markdown({ node }: NodeProps<"markdown">) {
  const content = useFilled(node.content);
  const blocks = useMemo(() => parse(content), [content]);
  return (
    <Box data-ui="markdown" className={styles.markdown}>
      {drawBlocks(blocks)}
    </Box>
  );
}

function drawBlocks(blocks: readonly Block[]): ReactNode {
  return blocks.map((block, index) => {
    const key = `${index}`;
    switch (block.kind) {
      case "heading":
        // The page's own title is the first level.
        return (
          <Title
            key={key}
            order={Math.min(6, block.level + 1) as TitleOrder}
            size={`h${Math.min(6, block.level + 1)}`}
          >
            {drawInline(block.children)}
          </Title>
        );
      case "paragraph":
        return <p key={key}>{drawInline(block.children)}</p>;
      case "code":
        return <CodeBox key={key} text={block.text} language={block.language} />;
      case "quote":
        return (
          <Blockquote key={key} p="sm">
            {drawBlocks(block.blocks)}
          </Blockquote>
        );
      case "list": {
        const items = block.items.map((item, at) => <li key={`${at}`}>{drawItem(item)}</li>);
        return block.ordered ? (
          <ol key={key} start={block.start}>
            {items}
          </ol>
        ) : (
          <ul key={key}>{items}</ul>
        );
      }
      case "table":
        return (
          <Table.ScrollContainer key={key} minWidth={300}>
            <Table withTableBorder>
              <Table.Thead>
                <Table.Tr>
                  {block.head.map((cell, at) => (
                    <Table.Th key={`${at}`}>{drawInline(cell)}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {block.rows.map((row, at) => (
                  <Table.Tr key={`${at}`}>
                    {row.map((cell, column) => (
                      <Table.Td key={`${column}`}>{drawInline(cell)}</Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        );
      case "rule":
        return <Divider key={key} />;
    }
    return null;
  });
}

/** One paragraph alone needs no room around it. */
function drawItem(blocks: readonly Block[]): ReactNode {
  const [first, ...others] = blocks;
  if (first?.kind !== "paragraph") return drawBlocks(blocks);
  return (
    <>
      {drawInline(first.children)}
      {drawBlocks(others)}
    </>
  );
}

function drawInline(parts: readonly Inline[]): ReactNode {
  return parts.map((part, index) => {
    const key = `${index}`;
    switch (part.kind) {
      case "text":
        return <Fragment key={key}>{part.text}</Fragment>;
      case "code":
        return <MantineCode key={key}>{part.text}</MantineCode>;
      case "strong":
        return <strong key={key}>{drawInline(part.children)}</strong>;
      case "em":
        return <em key={key}>{drawInline(part.children)}</em>;
      case "del":
        return <del key={key}>{drawInline(part.children)}</del>;
      case "link": {
        const href = safeHref(part.href);
        const inside = drawInline(part.children);
        return href ? (
          <OutLink key={key} href={href}>
            {inside}
          </OutLink>
        ) : (
          <Fragment key={key}>{inside}</Fragment>
        );
      }
      case "image":
        return safeImage(part.src) ? (
          <Image
            key={key}
            src={part.src}
            alt={part.alt}
            w="auto"
            maw="100%"
            referrerPolicy="no-referrer"
            loading="lazy"
          />
        ) : (
          <Fragment key={key}>{part.alt}</Fragment>
        );
      case "break":
        return <br key={key} />;
    }
    return null;
  });
}

export function Code({ node }: NodeProps<"code">) {
  return <CodeBox text={useFilled(node.content)} language={node.language ?? ""} />;
}

function CodeBox({ text, language }: { text: string; language: string }) {
  return (
    <Box className={styles.code} data-ui="code">
      <Group justify="space-between" className={styles.codeHead} wrap="nowrap">
        <Text size="xs" c="dimmed" ff="monospace">
          {language || "text"}
        </Text>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? "Copied" : "Copy"}>
              <ActionIcon
                variant="subtle"
                color={copied ? "green" : "gray"}
                size="sm"
                onClick={copy}
                aria-label={copied ? "Copied" : "Copy"}
              >
                <Icon name={copied ? "check" : "copy"} size={14} />
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0} className={styles.pre}>
        <code>{text}</code>
      </pre>
    </Box>
  );
}
