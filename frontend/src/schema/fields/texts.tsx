import { PasswordInput, Textarea, TextInput } from "@mantine/core";
import { framed, textOf } from "./frame";
import type { FieldProps } from "./types";

type Written = "string" | "url" | "email" | "time";
type LineProps = { [T in Written]: FieldProps<T> }[Written];
const TYPE = { string: "text", url: "url", email: "email", time: "time" } as const;

/** One line of text, and what is written as one. */
export function LineField({ field, value, onChange, error, disabled, bare }: LineProps) {
  const common = {
    ...framed(field, error, bare),
    value: textOf(value),
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
    placeholder: field.placeholder ?? undefined,
    disabled,
    autoComplete: "off",
  };
  if (field.input_type === "password") return <PasswordInput {...common} autoComplete="new-password" />;
  return <TextInput {...common} type={TYPE[field.type]} />;
}

/** Several lines; one that grows where a page's form says no number of rows. */
export function TextField({ field, value, onChange, error, disabled, bare, oneLine }: FieldProps<"text">) {
  if (field.input_type === "password") {
    return (
      <LineField
        {...{ value, onChange, error, disabled, bare }}
        field={{ ...field, type: "string" } as FieldProps<"string">["field"]}
      />
    );
  }
  const line = (oneLine || bare) && !field.rows;
  return (
    <Textarea
      {...framed(field, error, bare)}
      value={textOf(value)}
      onChange={(event) => onChange(event.currentTarget.value)}
      placeholder={field.placeholder ?? undefined}
      disabled={disabled}
      autosize
      minRows={field.rows ?? (line ? 1 : 3)}
      maxRows={Math.max(field.rows ?? 0, 12)}
      onKeyDown={(event) => {
        if (line && event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }
      }}
    />
  );
}
