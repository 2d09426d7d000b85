import { Alert, Box, ColorInput, NumberInput, Switch, Text } from "@mantine/core";
import { Icon } from "@/shared/icons/Icon";
import { sentence } from "../form/validate";
import { framed, Help, textOf } from "./frame";
import type { FieldProps } from "./types";

export function BooleanField({ field, value, onChange, error, disabled, bare }: FieldProps<"boolean">) {
  return (
    <Box>
      <Switch
        name={field.id}
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
        disabled={disabled}
        error={error ? sentence(error) : undefined}
        {...(bare ? { "aria-label": field.label } : { label: field.label, description: field.description })}
      />
      {!bare && field.help_text && <Help>{field.help_text}</Help>}
    </Box>
  );
}

export function NumberField({ field, value, onChange, error, disabled, bare }: FieldProps<"number">) {
  return (
    <NumberInput
      {...framed(field, error, bare)}
      value={typeof value === "number" || typeof value === "string" ? value : ""}
      // Half-typed numbers (`-`, `1e`) arrive as text; what is no number is told when it is checked.
      onChange={(next) => onChange(next === "" ? null : typeof next === "number" ? next : numberOf(next))}
      placeholder={field.placeholder ?? undefined}
      min={field.min ?? undefined}
      max={field.max ?? undefined}
      step={field.step ?? 1}
      clampBehavior="none"
      disabled={disabled}
    />
  );
}

function numberOf(text: string): number | string {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER
    ? number
    : text;
}

export function ColorField({ field, value, onChange, error, disabled, bare }: FieldProps<"color">) {
  return (
    <ColorInput
      {...framed(field, error, bare)}
      value={textOf(value)}
      onChange={(next) => onChange(next)}
      placeholder={field.placeholder ?? "#rrggbb"}
      format="hex"
      fixOnBlur={false}
      disabled={disabled}
      swatches={["#e03131", "#f08c00", "#2f9e44", "#1971c2", "#6741d9", "#343a40"]}
      eyeDropperButtonProps={{ "aria-label": "Pick a colour from the screen" }}
    />
  );
}

/** Something to read among the fields. */
export function InfoField({ field }: FieldProps<"info">) {
  const body = [field.description, field.help_text, textOf(field.value)].filter(Boolean);
  return (
    <Alert
      variant="light"
      color="blue"
      icon={<Icon name="info-circle" />}
      title={body.length && field.label ? field.label : undefined}
      p="sm"
      data-field={field.id}
    >
      <Text size="sm" style={{ whiteSpace: "pre-line", overflowWrap: "anywhere" }}>
        {body.join("\n") || field.label}
      </Text>
    </Alert>
  );
}

/** Stands where a form's field could not be understood. */
export function InvalidField({ field }: FieldProps<"invalid">) {
  return (
    <Alert
      variant="light"
      color="red"
      icon={<Icon name="alert-triangle" />}
      title={`Field “${field.id}” cannot be drawn`}
    >
      {field.errors.map((error) => (
        <Text key={error} size="sm">
          {error}
        </Text>
      ))}
    </Alert>
  );
}
