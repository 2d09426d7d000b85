import { Box } from "@mantine/core";
import { Copy } from "./Copy";
import classes from "./ui.module.css";

/** A value as JSON: scrolls, can be selected and copied. */
export function JsonView({ value, label }: { value: unknown; label: string }) {
  const text = JSON.stringify(value, null, 2) ?? "";
  return (
    <Box pos="relative">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={classes.json} tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </section>
      <Box pos="absolute" top={6} right={6}>
        <Copy value={text} label="Copy as JSON" />
      </Box>
    </Box>
  );
}
