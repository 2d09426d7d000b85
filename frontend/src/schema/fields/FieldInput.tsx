import { Skeleton } from "@mantine/core";
import { type ComponentType, lazy, memo, Suspense } from "react";
import { MultiselectField, SelectField } from "./choices";
import { BooleanField, ColorField, InfoField, InvalidField, NumberField } from "./plain";
import { LineField, TextField } from "./texts";
import type { FieldProps, FieldType } from "./types";

const dates = () => import("./DateFields");

/** Every type of field: one that the backend adds does not compile until it is drawn. */
const registry: { [T in FieldType]: ComponentType<FieldProps<T>> } = {
  boolean: BooleanField,
  number: NumberField,
  string: LineField,
  text: TextField,
  select: SelectField,
  multiselect: MultiselectField,
  info: InfoField,
  url: LineField,
  email: LineField,
  date: lazy(dates),
  time: LineField,
  datetime: lazy(async () => ({ default: (await dates()).DatetimeField })),
  color: ColorField,
  file: lazy(() => import("./FileField")),
  table: lazy(() => import("./TableField")),
  invalid: InvalidField,
};

/** The input of one field, drawn again only when its own props change. */
export const FieldInput = memo(function FieldInput(props: FieldProps<FieldType>) {
  const Input = (registry[props.field.type] ?? Unknown) as ComponentType<FieldProps<FieldType>>;
  return (
    <Suspense fallback={<Skeleton height={props.bare ? 36 : 58} />}>
      <Input {...props} />
    </Suspense>
  );
});

/** A newer gateway may know types that this page does not. */
function Unknown({ field }: FieldProps<FieldType>) {
  const type: string = field.type;
  return (
    <InvalidField
      field={{
        type: "invalid",
        id: field.id,
        errors: [`This version does not know fields of type “${type}”.`],
      }}
      value={undefined}
      onChange={() => {}}
    />
  );
}
