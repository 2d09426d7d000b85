import { Accordion, Alert, Box, Button, Group, Stack, Text } from "@mantine/core";
import {
  type FormEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from "react";
import { ApiError, messageOf } from "@/shared/api/problem";
import type { FormField } from "@/shared/api/types";
import { Icon } from "@/shared/icons/Icon";
import { Follow } from "../data/Follow";
import { FieldInput } from "../fields/FieldInput";
import type { Values } from "../lib/path";
import { useFieldStates } from "./fieldStates";
import { sections } from "./sections";
import { type Errors, validate } from "./validate";
import { defaultValues, initialValues, placed, submitted } from "./values";

export type { Values };

export interface SchemaFormProps {
  /** Settings of a plugin, or the fields of a form on a page. */
  fields: FormField[];
  /** Values to start from; what is absent starts with the field's default. */
  values?: Values;
  /**
   * Resolves when the values were taken; with `false` they were not, and stay as they are. An `ApiError`
   * with faults shows each at its field (`params.name`, `settings.name` and `name` all mean the field
   * `name`), the rest above the buttons.
   */
  onSubmit: (values: Values) => Promise<unknown> | undefined;
  submitLabel?: string;
  /** Offers to put every field back to its default. */
  resettable?: boolean;
  /** Disables everything, e.g. for whom may only look. */
  readOnly?: boolean;
  /** Plugin that the values belong to; files are uploaded for it, options come from its collections. */
  pluginKey?: string;
  /** Begins anew with `values` once they were taken, as a form that adds things does. */
  clearing?: boolean;
  /** Plain text is one line, as on a page; in settings it has room for several. */
  oneLine?: boolean;
  /** Whether what the form starts is still going on; the button says so. */
  busy?: boolean;
  /** The button cannot be pressed. */
  blocked?: boolean;
  /** Further buttons beside the submit button. */
  children?: ReactNode;
}

/** One form for settings and pages: every field type, validation on this side too. */
export function SchemaForm({
  fields,
  values: given,
  onSubmit,
  submitLabel = "Save",
  resettable,
  readOnly,
  pluginKey,
  clearing,
  oneLine,
  busy,
  blocked,
  children,
}: SchemaFormProps) {
  const start = useMemo(() => initialValues(fields, given), [fields, given]);
  const [values, setValues] = useState(start);
  const [errors, setErrors] = useState<Errors>({});
  const [others, setOthers] = useState<string[]>([]);
  const [sending, setSending] = useState(false);
  const touched = useRef(false);
  const refused = useRef(false);
  const form = useRef<HTMLFormElement>(null);
  const { shown, disabled, names } = useFieldStates(fields, values, pluginKey);
  const parts = useMemo(() => sections(fields), [fields]);
  const base = useId();
  const [open, setOpen] = useState(() => parts.flatMap((part) => (part.id ? [`${base}${part.id}`] : [])));

  // What comes in from elsewhere replaces what nobody has touched yet.
  useEffect(() => {
    if (!touched.current) setValues(start);
  }, [start]);

  const change = useCallback((id: string, value: unknown) => {
    touched.current = true;
    setValues((before) => ({ ...before, [id]: value }));
    setErrors((before) => withoutField(before, id));
  }, []);
  const changers = useChangers(fields, change);

  const show = (found: Errors) => {
    refused.current = true;
    setErrors(found);
    // A fault that nobody sees cannot be mended.
    const faulty = parts.filter((part) => part.id && part.fields.some(({ id }) => concerns(found, id)));
    setOpen((before) => [...new Set([...before, ...faulty.map((part) => `${base}${part.id}`)])]);
  };
  // The first field that was refused, when its fault is drawn and what was disabled meanwhile is not any more.
  useEffect(() => {
    if (!refused.current || sending || !Object.keys(errors).length) return;
    refused.current = false;
    form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-error=true] input")?.focus();
  }, [errors, sending]);

  async function submit(event: FormEvent) {
    event.preventDefault();
    // A form in a dialog is drawn elsewhere, but in React it is still inside whatever opened the dialog.
    event.stopPropagation();
    if (sending || busy || blocked) return;
    const visible = fields.filter((field) => shown(field.id));
    const found = validate(visible, values);
    setOthers([]);
    if (Object.keys(found).length) return show(found);
    setErrors({});
    setSending(true);
    try {
      const taken = await onSubmit(submitted(visible, values, start));
      if (taken === false) return;
      touched.current = false;
      if (clearing) setValues(start);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const told = placed(fields, error.faults);
      show(told.errors);
      setOthers(told.others.length || Object.keys(told.errors).length ? told.others : [messageOf(error)]);
    } finally {
      setSending(false);
    }
  }

  const draw = (list: readonly FormField[]) => (
    <Stack gap="md">
      {list.map((field) =>
        shown(field.id) ? (
          <FieldInput
            key={field.id}
            field={field}
            value={values[field.id]}
            onChange={changers[field.id] ?? noChange}
            error={errors[field.id]}
            errors={field.type === "table" ? errors : undefined}
            disabled={readOnly || disabled(field.id)}
            pluginKey={pluginKey}
            oneLine={oneLine}
          />
        ) : null,
      )}
    </Stack>
  );

  return (
    <Box
      component="form"
      ref={form}
      onSubmit={(event: FormEvent) => void submit(event)}
      noValidate
      aria-busy={sending || busy || undefined}
    >
      {pluginKey && <Follow plugin={pluginKey} names={names} />}
      <Stack gap="md">
        {parts
          .filter((part) => part.id === null)
          .map((part) => (
            <Box key="top">{draw(part.fields)}</Box>
          ))}
        {parts.some((part) => part.id !== null) && (
          <Accordion multiple variant="separated" value={open} onChange={setOpen}>
            {parts.map(
              (part) =>
                part.id !== null && (
                  <Accordion.Item key={part.id} value={`${base}${part.id}`} data-section={part.id}>
                    <Accordion.Control>
                      <Text fw={600}>{part.label}</Text>
                      {part.description && (
                        <Text size="sm" c="dimmed">
                          {part.description}
                        </Text>
                      )}
                    </Accordion.Control>
                    <Accordion.Panel>{draw(part.fields)}</Accordion.Panel>
                  </Accordion.Item>
                ),
            )}
          </Accordion>
        )}
        {others.length > 0 && (
          <Alert color="red" variant="light" icon={<Icon name="alert-circle" />} role="alert">
            {others.map((text) => (
              <Text key={text} size="sm">
                {text}
              </Text>
            ))}
          </Alert>
        )}
        <Group gap="sm">
          {!readOnly && (
            <Button type="submit" loading={sending || busy} disabled={blocked}>
              {submitLabel}
            </Button>
          )}
          {resettable && !readOnly && (
            <Button
              variant="default"
              onClick={() => {
                touched.current = true;
                setErrors({});
                setValues(defaultValues(fields));
              }}
            >
              Reset to defaults
            </Button>
          )}
          {children}
        </Group>
      </Stack>
    </Box>
  );
}

const noChange = () => {};

/** One function per field that stays the same, so that only the field that changes is drawn again. */
function useChangers(fields: readonly FormField[], change: (id: string, value: unknown) => void) {
  return useMemo(() => {
    const made: Record<string, (value: unknown) => void> = {};
    for (const { id } of fields) made[id] = (value) => change(id, value);
    return made;
  }, [fields, change]);
}

function concerns(errors: Errors, id: string): boolean {
  return Object.keys(errors).some((path) => path === id || path.startsWith(`${id}[`));
}

function withoutField(errors: Errors, id: string): Errors {
  const left = Object.entries(errors).filter(([path]) => path !== id && !path.startsWith(`${id}[`));
  return left.length === Object.keys(errors).length ? errors : Object.fromEntries(left);
}
