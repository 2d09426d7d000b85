import { Paper, Text } from "@mantine/core";
import { type ReactNode, useEffect, useEffectEvent, useState } from "react";
import { Icon } from "@/shared/icons/Icon";
import classes from "@/shared/ui/ui.module.css";

/** Takes a file that is dropped anywhere on the page; returns what to draw while one hovers. */
export function useFileDrop(enabled: boolean, onFile: (file: File) => void): ReactNode {
  const [over, setOver] = useState(false);
  const take = useEffectEvent(onFile);
  useEffect(() => {
    if (!enabled) return;
    // Each element that is entered and left sends events of its own: count them.
    let depth = 0;
    const withFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!withFiles(event)) return;
      event.preventDefault();
      depth += 1;
      setOver(true);
    };
    const leave = () => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const hover = (event: DragEvent) => withFiles(event) && event.preventDefault();
    const drop = (event: DragEvent) => {
      depth = 0;
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      take(file);
    };
    const events = { dragenter: enter, dragleave: leave, dragover: hover, drop } as const;
    for (const [name, listener] of Object.entries(events)) {
      document.addEventListener(name, listener as EventListener);
    }
    return () => {
      setOver(false);
      for (const [name, listener] of Object.entries(events)) {
        document.removeEventListener(name, listener as EventListener);
      }
    };
  }, [enabled]);
  return over ? (
    <div className={classes.overlay}>
      <Paper withBorder shadow="lg" radius="lg" p="xl" ta="center">
        <Icon name="upload" size={36} />
        <Text fw={600} mt="xs">
          Drop the ZIP to import it
        </Text>
      </Paper>
    </div>
  ) : null;
}
