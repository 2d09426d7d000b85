import { Box, Button, FileButton, Group, Progress, Stack, Text } from "@mantine/core";
import { type DragEvent, useState } from "react";
import { showError } from "@/shared/actions/notify";
import { Icon } from "@/shared/icons/Icon";
import { MAX_FILE_BYTES } from "../form/validate";
import { type StoredFile, storeFile } from "../lib/files";
import { bytes } from "../lib/format";
import { usePage } from "../page/context";
import type { NodeProps } from "../types";
import styles from "./upload.module.css";

const MOST_FILES = 20;

/** Files are sent first, then the action is run with what they are called and their ids. */
export default function Upload({ node }: NodeProps<"upload">) {
  const { plugin, actions, mayRun } = usePage();
  const [share, setShare] = useState<number | null>(null);
  const [over, setOver] = useState(false);
  const most = Math.min(node.max_size ?? MAX_FILE_BYTES, MAX_FILE_BYTES);
  const label = node.label || "Upload a file";
  const busy = share !== null || actions.isRunning(node.action);

  async function take(chosen: File[]) {
    const files = node.multiple ? chosen.slice(0, MOST_FILES) : chosen.slice(0, 1);
    if (!files.length || busy || !mayRun) return;
    try {
      for (const file of files) refuse(file, node.accept, most);
      setShare(0);
      const stored: StoredFile[] = [];
      for (const [index, file] of files.entries()) {
        stored.push(await storeFile(file, plugin, (part) => setShare((index + part) / files.length)));
      }
      const given = node.multiple ? { files: stored } : { file: stored[0] };
      await actions.run({ action: node.action, label, params: { ...node.params, ...given } });
    } catch (error) {
      showError(label, error);
    } finally {
      setShare(null);
    }
  }

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take([...event.dataTransfer.files]);
  };
  return (
    <Box
      className={styles.zone}
      data-ui="upload"
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Stack align="center" gap="xs">
        <Text c="dimmed" lh={0} component="span">
          <Icon name="cloud-upload" size={32} />
        </Text>
        <FileButton
          onChange={(chosen) => void take(Array.isArray(chosen) ? chosen : chosen ? [chosen] : [])}
          accept={node.accept ?? undefined}
          multiple={node.multiple === true}
          disabled={!mayRun}
        >
          {(props) => (
            <Button {...props} variant="default" loading={busy} disabled={!mayRun}>
              {label}
            </Button>
          )}
        </FileButton>
        <Text size="sm" c="dimmed" ta="center">
          {node.description || `or drop ${node.multiple ? "files" : "a file"} here, at most ${bytes(most)}`}
        </Text>
        {share !== null && (
          <Group w="100%" maw={320}>
            <Progress value={share * 100} flex={1} animated aria-label="Sending" />
          </Group>
        )}
      </Stack>
    </Box>
  );
}

function refuse(file: File, accept: string | null | undefined, most: number): void {
  if (file.size > most) throw new Error(`“${file.name}” is larger than ${bytes(most)}.`);
  if (accept && !accepted(file, accept))
    throw new Error(`“${file.name}” is not what is asked for here (${accept}).`);
}

/** What the browser's own dialog lets through, for files that are dropped. */
export function accepted(file: Pick<File, "name" | "type">, accept: string): boolean {
  return accept.split(",").some((part) => {
    const wanted = part.trim().toLowerCase();
    if (!wanted) return false;
    if (wanted.startsWith(".")) return file.name.toLowerCase().endsWith(wanted);
    return wanted.endsWith("/*") ? file.type.startsWith(wanted.slice(0, -1)) : file.type === wanted;
  });
}
