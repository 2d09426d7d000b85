import { DateInput, DateTimePicker } from "@mantine/dates";
import "@mantine/dates/styles.css";
import dayjs from "dayjs";
import { isDay } from "../lib/formats";
import { framed } from "./frame";
import type { FieldProps } from "./types";

/** `YYYY-MM-DD`, typed or picked. */
export default function DateField({ field, value, onChange, error, disabled, bare }: FieldProps<"date">) {
  return (
    <DateInput
      {...framed(field, error, bare)}
      value={typeof value === "string" && isDay(value) ? value : null}
      onChange={(next) => onChange(next)}
      valueFormat="YYYY-MM-DD"
      placeholder={field.placeholder ?? "YYYY-MM-DD"}
      clearable={!field.required}
      clearButtonProps={{ "aria-label": `Clear ${field.label}` }}
      disabled={disabled}
      popoverProps={{ withinPortal: true }}
    />
  );
}

/** RFC 3339 in UTC, shown and picked in the browser's own time zone. */
export function DatetimeField({ field, value, onChange, error, disabled, bare }: FieldProps<"datetime">) {
  const local = typeof value === "string" && value ? dayjs(value) : null;
  return (
    <DateTimePicker
      {...framed(field, error, bare)}
      value={local?.isValid() ? local.format("YYYY-MM-DD HH:mm:ss") : null}
      onChange={(next) => onChange(next ? `${dayjs(next).toDate().toISOString().slice(0, 19)}Z` : null)}
      valueFormat="YYYY-MM-DD HH:mm"
      placeholder={field.placeholder ?? "YYYY-MM-DD HH:MM"}
      clearable={!field.required}
      clearButtonProps={{ "aria-label": `Clear ${field.label}` }}
      disabled={disabled}
      popoverProps={{ withinPortal: true }}
      submitButtonProps={{ "aria-label": "Done" }}
    />
  );
}
