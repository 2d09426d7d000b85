import { Loader, MultiSelect, Select, TagsInput, TextInput } from "@mantine/core";
import { useMemo } from "react";
import type { Schemas } from "@/shared/api/types";
import { useCollection } from "../data/collections";
import { at } from "../lib/path";
import { fill } from "../lib/templates";
import { framed, textOf } from "./frame";
import type { FieldProps } from "./types";

type Option = { value: unknown; label: string };
type OptionsFrom = Schemas["OptionsFrom"];

/** More options than fit on a screen are searched. */
const SEARCH_FROM = 8;
const MOST_OPTIONS = 1_000;

export function SelectField(props: FieldProps<"select">) {
  const from = props.field.options_from;
  if (from && props.pluginKey) {
    return (
      <WithOptions
        from={from}
        pluginKey={props.pluginKey}
        draw={(state) => <OneOf {...props} {...state} />}
      />
    );
  }
  const options = props.field.options ?? [];
  if (!options.length) return <Free {...props} />;
  return <OneOf {...props} options={options} />;
}

export function MultiselectField(props: FieldProps<"multiselect">) {
  const from = props.field.options_from;
  if (from && props.pluginKey) {
    return (
      <WithOptions
        from={from}
        pluginKey={props.pluginKey}
        draw={(state) => <SomeOf {...props} {...state} />}
      />
    );
  }
  return <SomeOf {...props} options={props.field.options ?? []} />;
}

interface OptionsState {
  options: readonly Option[];
  loading?: boolean;
  problem?: string | undefined;
}

function WithOptions({
  from,
  pluginKey,
  draw,
}: {
  from: OptionsFrom;
  pluginKey: string;
  draw: (state: OptionsState) => React.ReactNode;
}) {
  const { data, error, isPending } = useCollection(pluginKey, from.data_source, {
    where: from.where,
    limit: MOST_OPTIONS,
  });
  const options = useMemo(
    () =>
      (data?.items ?? []).map((item) => {
        const value = at(item, from.value ?? "_id");
        return { value, label: from.label ? fill(from.label, item) : textOf(value) };
      }),
    [data, from],
  );
  return draw({
    options,
    loading: isPending,
    problem: error ? `has no options: ${error.message}` : undefined,
  });
}

/** Without options anything goes: they may be known only when the plugin runs. */
function Free({ field, value, onChange, error, disabled, bare }: FieldProps<"select">) {
  return (
    <TextInput
      {...framed(field, error, bare)}
      value={textOf(value)}
      onChange={(event) => onChange(event.currentTarget.value || null)}
      placeholder={field.placeholder ?? undefined}
      disabled={disabled}
    />
  );
}

function OneOf({
  field,
  value,
  onChange,
  error,
  disabled,
  bare,
  options,
  loading,
  problem,
}: FieldProps<"select"> & OptionsState) {
  const { data, valueFor, keyOf } = useKeyed(
    options,
    value === undefined || value === null || value === "" ? [] : [value],
  );
  return (
    <Select
      {...framed(field, error ?? problem, bare)}
      data={data}
      value={value === undefined || value === null || value === "" ? null : keyOf(value)}
      onChange={(key) => onChange(key === null ? null : valueFor(key))}
      placeholder={field.placeholder ?? (data.length ? "Choose…" : "Nothing to choose from")}
      searchable={data.length >= SEARCH_FROM}
      clearable={!field.required}
      nothingFoundMessage="Nothing found"
      disabled={disabled}
      rightSection={loading ? <Loader size={16} /> : undefined}
      comboboxProps={{ withinPortal: true }}
      clearButtonProps={{ "aria-label": `Clear ${field.label}` }}
    />
  );
}

const EMPTY: unknown[] = [];

function SomeOf({
  field,
  value,
  onChange,
  error,
  disabled,
  bare,
  options,
  loading,
  problem,
}: FieldProps<"multiselect"> & OptionsState) {
  const chosen = Array.isArray(value) ? value : EMPTY;
  const { data, valueFor, keyOf } = useKeyed(options, chosen);
  const common = {
    ...framed(field, error ?? problem, bare),
    placeholder: chosen.length ? undefined : (field.placeholder ?? undefined),
    disabled,
    clearable: true,
    clearButtonProps: { "aria-label": `Clear ${field.label}` },
  };
  if (!options.length && !loading && !field.options_from) {
    return <TagsInput {...common} value={chosen.map(textOf)} onChange={onChange} maxTags={1000} />;
  }
  return (
    <MultiSelect
      {...common}
      data={data}
      value={chosen.map(keyOf)}
      onChange={(keys) => onChange(keys.map(valueFor))}
      searchable={data.length >= SEARCH_FROM}
      nothingFoundMessage="Nothing found"
      rightSection={loading ? <Loader size={16} /> : undefined}
      hidePickedOptions
    />
  );
}

/** Selects know texts only: each option by its place; a value that no option has stands for itself. */
function useKeyed(options: readonly Option[], chosen: readonly unknown[]) {
  return useMemo(() => {
    const all = [...options];
    for (const value of chosen) {
      if (!all.some((option) => alike(option.value, value))) all.push({ value, label: textOf(value) });
    }
    const seen = new Map<string, number>();
    const data = all.map((option, index) => {
      const times = (seen.get(option.label) ?? 0) + 1;
      seen.set(option.label, times);
      return { value: String(index), label: times > 1 ? `${option.label} (${times})` : option.label || " " };
    });
    return {
      data,
      valueFor: (key: string) => all[Number(key)]?.value ?? null,
      keyOf: (value: unknown) => String(all.findIndex((option) => alike(option.value, value))),
    };
  }, [options, chosen]);
}

/** The gateway takes "5" for 5 too. */
const alike = (option: unknown, value: unknown): boolean => option === value || String(option) === value;
