import { ActionIcon, FileInput, Group, Progress, Text } from "@mantine/core";
import { useState } from "react";
import { messageOf } from "@/shared/api/problem";
import { Icon } from "@/shared/icons/Icon";
import { MAX_FILE_BYTES } from "../form/validate";
import { storeFile } from "../lib/files";
import { bytes } from "../lib/format";
import { isObject } from "../lib/path";
import { framed } from "./frame";
import type { FieldProps } from "./types";

/** A file is sent as soon as it is chosen; the form carries only what it is called and its id. */
export default function FileField({
  field,
  value,
  onChange,
  error,
  disabled,
  bare,
  pluginKey,
}: FieldProps<"file">) {
  const [share, setShare] = useState<number | null>(null);
  const [failed, setFailed] = useState<string>();
  const stored = isObject(value) && typeof value.name === "string" ? value : null;
  const most = Math.min(field.max_size ?? MAX_FILE_BYTES, MAX_FILE_BYTES);

  async function take(file: File | null) {
    if (!file) return;
    if (file.size > most) {
      setFailed(`is larger than ${bytes(most)}`);
      return;
    }
    setFailed(undefined);
    setShare(0);
    try {
      onChange(await storeFile(file, pluginKey, setShare));
    } catch (problem) {
      setFailed(`could not be sent: ${messageOf(problem)}`);
    } finally {
      setShare(null);
    }
  }

  return (
    <>
      <FileInput
        {...framed(field, failed ?? error, bare)}
        value={null}
        onChange={(file) => void take(file)}
        accept={field.accept ?? undefined}
        placeholder={stored ? String(stored.name) : (field.placeholder ?? "Choose a file…")}
        leftSection={<Icon name="paperclip" />}
        disabled={disabled || share !== null}
      />
      {share !== null && (
        <Progress value={share * 100} mt={6} animated aria-label={`Sending ${field.label}`} />
      )}
      {stored && share === null && (
        <Group gap={6} mt={6} wrap="nowrap">
          <Icon name="file" size={16} />
          <Text size="sm" truncate>
            {String(stored.name)}
          </Text>
          {typeof stored.size === "number" && (
            <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
              {bytes(stored.size)}
            </Text>
          )}
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`Remove ${stored.name}`}
            disabled={disabled}
            onClick={() => onChange(null)}
          >
            <Icon name="x" size={14} />
          </ActionIcon>
        </Group>
      )}
    </>
  );
}
