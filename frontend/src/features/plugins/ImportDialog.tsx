import { Alert, Button, FileButton, Group, Modal, Progress, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type DragEvent, useEffect, useEffectEvent, useRef, useState } from "react";
import { keys } from "@/shared/api/keys";
import { ApiError, messageOf } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { upload } from "@/shared/api/upload";
import { bytes } from "@/shared/format";
import { Icon } from "@/shared/icons/Icon";
import classes from "@/shared/ui/ui.module.css";
import { useEnableWithTrust } from "./trust";

type Step =
  | { at: "choose" }
  | { at: "sending"; file: File; share: number }
  | { at: "refused"; file: File; message: string; exists: boolean }
  | { at: "done"; answer: Schemas["ImportAnswer"] };

const LARGEST = 64 * 1024 * 1024;

export function ImportDialog({ file, onClose }: { file?: File; onClose: () => void }) {
  const client = useQueryClient();
  const [step, setStep] = useState<Step>({ at: "choose" });
  const aborter = useRef<AbortController | null>(null);

  const send = async (chosen: File, overwrite: boolean) => {
    const refuse = (message: string, exists = false) =>
      setStep({ at: "refused", file: chosen, message, exists });
    if (!/\.zip$/i.test(chosen.name)) return refuse("That is no ZIP archive: its name does not end in .zip.");
    if (chosen.size > LARGEST)
      return refuse(`It has ${bytes(chosen.size)}, and at most ${bytes(LARGEST)} are taken.`);
    const form = new FormData();
    form.append("file", chosen);
    if (overwrite) form.append("overwrite", "true");
    aborter.current = new AbortController();
    setStep({ at: "sending", file: chosen, share: 0 });
    try {
      const answer = await upload<Schemas["ImportAnswer"]>(
        "/api/plugins/plugins/import/",
        form,
        (share) => setStep((step) => (step.at === "sending" ? { ...step, share } : step)),
        aborter.current.signal,
      );
      setStep({ at: "done", answer });
      for (const queryKey of [keys.plugins, keys.navigation]) void client.invalidateQueries({ queryKey });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      refuse(messageOf(error), !overwrite && error instanceof ApiError && /exist/i.test(error.message));
    }
  };
  const start = useEffectEvent(() => {
    if (file) void send(file, false);
  });
  useEffect(() => start(), []);

  const close = () => {
    aborter.current?.abort();
    onClose();
  };
  return (
    <Modal
      opened
      onClose={close}
      title="Import a plugin"
      centered
      size="md"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack aria-live="polite">
        {step.at === "choose" && <Drop onFile={(chosen) => void send(chosen, false)} />}
        {step.at === "sending" && <Sending file={step.file} share={step.share} />}
        {step.at === "refused" && (
          <>
            <Alert
              color="red"
              icon={<Icon name="alert-circle" />}
              title={`${step.file.name} was not installed`}
              role="alert"
            >
              {step.message}
            </Alert>
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setStep({ at: "choose" })}>
                Choose another file
              </Button>
              {step.exists && (
                <Button color="red" onClick={() => void send(step.file, true)}>
                  Replace the installed one
                </Button>
              )}
            </Group>
          </>
        )}
        {step.at === "done" && <Done answer={step.answer} onClose={onClose} />}
      </Stack>
    </Modal>
  );
}

function Drop({ onFile }: { onFile: (file: File) => void }) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) onFile(file);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button within is for everybody else
    <div
      className={classes.drop}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Stack align="center" gap="xs">
        <Icon name="upload" size={32} />
        <Text fw={600}>Drop a ZIP here</Text>
        <Text size="sm" c="dimmed">
          One folder with a <code>plugin.py</code>, at most 64 MiB. Nothing of it runs before you enable it.
        </Text>
        <FileButton
          accept=".zip,application/zip"
          onChange={(file) => file && onFile(file)}
          inputProps={{ "aria-label": "ZIP archive" }}
        >
          {(props) => (
            <Button {...props} mt="xs" data-autofocus>
              Choose a file
            </Button>
          )}
        </FileButton>
      </Stack>
    </div>
  );
}

function Sending({ file, share }: { file: File; share: number }) {
  const percent = Math.round(share * 100);
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text size="sm" fw={600} truncate>
          {file.name}
        </Text>
        <Text size="sm" c="dimmed">
          {percent < 100 ? `${percent} % of ${bytes(file.size)}` : "Unpacking…"}
        </Text>
      </Group>
      <Progress value={percent} animated={percent === 100} aria-label={`Uploading ${file.name}`} />
    </Stack>
  );
}

function Done({ answer: { plugin }, onClose }: { answer: Schemas["ImportAnswer"]; onClose: () => void }) {
  const { enable, pending } = useEnableWithTrust(plugin);
  return (
    <>
      <Alert color="green" icon={<Icon name="check" />} title={`${plugin.name} is installed`}>
        {plugin.version ? `Version ${plugin.version}. ` : ""}
        {plugin.enabled
          ? "It was enabled before, and the new version takes over."
          : "It is disabled until you enable it."}
      </Alert>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
        {!plugin.enabled && (
          <Button
            loading={pending}
            onClick={async () => {
              if (await enable(true)) onClose();
            }}
          >
            Enable it now
          </Button>
        )}
      </Group>
    </>
  );
}
