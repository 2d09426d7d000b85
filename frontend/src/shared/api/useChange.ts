import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { showDone, showError } from "../actions/notify";

export interface Change<In, Out> {
  /** What is attempted; titles the notification when it fails: "Could not …". */
  failure: string;
  run: (input: In) => Promise<Out>;
  /** Said when it is done; nothing where the page itself shows it. */
  done?: string | ((out: Out, input: In) => string);
  stale?: QueryKey[];
  onDone?: (out: Out, input: In) => void;
  /** The caller shows a failure itself. */
  quiet?: boolean;
}

/** A mutation that says how it ended, a failure always in the server's words. */
export function useChange<Out, In = void>({
  failure,
  run,
  done,
  stale = [],
  onDone,
  quiet,
}: Change<In, Out>) {
  const client = useQueryClient();
  return useMutation<Out, unknown, In>({
    mutationFn: run,
    onSuccess: async (out, input) => {
      await Promise.all(stale.map((queryKey) => client.invalidateQueries({ queryKey })));
      if (done) showDone(typeof done === "string" ? done : done(out, input));
      onDone?.(out, input);
    },
    onError: (error) => {
      if (!quiet) showError(failure, error);
    },
  });
}
