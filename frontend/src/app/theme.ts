import {
  type CSSVariablesResolver,
  createTheme,
  DEFAULT_THEME,
  type MantineColorsTuple,
} from "@mantine/core";

const brand: MantineColorsTuple = [
  "#eef0ff",
  "#dfe2fd",
  "#bcc1f7",
  "#979ff1",
  "#7780eb",
  "#626de8",
  "#5660e6",
  "#464fcc",
  "#3c46b7",
  "#2f3ba2",
];

export const theme = createTheme({
  primaryColor: "brand",
  colors: { brand },
  // Dark enough for white text on it: Mantine's own shades miss WCAG's 4.5:1 for half of its colours.
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.26,
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily:
    'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "Cascadia Code", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: "650" },
  respectReducedMotion: true,
  components: {
    Modal: { styles: { title: { fontWeight: 650, fontSize: "var(--mantine-font-size-lg)" } } },
    // Grey on white is too faint for what matters most at that moment.
    Notification: { styles: { description: { color: "var(--mantine-color-text)" } } },
  },
});

const names = [...Object.keys(DEFAULT_THEME.colors).filter((name) => name !== "dark"), "brand"];

/** Colours of text on tinted grounds, light and dark, each at least 4.5:1 against its ground. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5c636b",
    "--mantine-color-placeholder": "#6b7280",
    "--mantine-color-error": "#c42b2b",
    "--mantine-color-anchor": "var(--mantine-color-brand-8)",
    ...Object.fromEntries(
      names.flatMap((name) => [
        [
          `--mantine-color-${name}-light-color`,
          `color-mix(in srgb, var(--mantine-color-${name}-9), #000 28%)`,
        ],
        [`--mantine-color-${name}-outline`, `color-mix(in srgb, var(--mantine-color-${name}-9), #000 12%)`],
        [`--mantine-color-${name}-text`, `color-mix(in srgb, var(--mantine-color-${name}-9), #000 22%)`],
      ]),
    ),
  },
  dark: {
    "--mantine-color-dimmed": "#a3a9b2",
    "--mantine-color-placeholder": "#9aa1ab",
    "--mantine-color-error": "#ff8787",
    "--mantine-color-anchor": "var(--mantine-color-brand-3)",
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`--mantine-color-${name}-light-color`, `var(--mantine-color-${name}-2)`],
        [`--mantine-color-${name}-outline`, `var(--mantine-color-${name}-3)`],
        [`--mantine-color-${name}-text`, `var(--mantine-color-${name}-3)`],
      ]),
    ),
  },
});
