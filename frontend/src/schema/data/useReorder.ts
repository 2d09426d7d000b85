import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { showError } from "@/shared/actions/notify";
import { keys } from "@/shared/api/keys";
import { usePage } from "../page/context";
import { type Item, patchItem } from "./collections";
import { changes, inOrder, moved, type Place, places, reorderParams } from "./order";

interface Options {
  plugin: string;
  collection: string;
  items: readonly Item[] | undefined;
  field: string;
  onReorder: string | null;
}

/** So many documents are written at a time. */
const AT_ONCE = 6;

/** The items in their order; a move shows at once, and is taken back where it could not be kept. */
export function useReorder({ plugin, collection, items, field, onReorder }: Options) {
  const { actions } = usePage();
  const client = useQueryClient();
  const [wanted, setWanted] = useState<readonly number[] | null>(null);
  const latest = useRef(0);
  const queue = useRef(Promise.resolve());
  const waiting = useRef(0);
  const stored = useMemo(() => inOrder(items ?? [], field), [items, field]);
  const shown = useMemo(() => (wanted ? arranged(stored, wanted) : stored), [stored, wanted]);

  function move(from: number, to: number): void {
    const params = reorderParams(shown, from, to);
    const after = moved(shown, from, to);
    latest.current += 1;
    const mine = latest.current;
    // What is known of the documents is older than the moves that are still being kept.
    const every = waiting.current > 0;
    waiting.current += 1;
    setWanted(after.map((item) => item._id));
    // One after another: what is written last is what the user did last.
    queue.current = queue.current.then(() => keep(mine, after, params, every));
  }

  async function keep(
    mine: number,
    after: readonly Item[],
    params: Record<string, unknown>,
    every: boolean,
  ): Promise<void> {
    try {
      if (onReorder) {
        const ended = await actions.run({ action: onReorder, label: "Reorder", params, silent: true });
        if (ended?.outcome === "error") throw new Error(ended.message ?? "The order could not be kept.");
      } else {
        await writeOrder(plugin, collection, every ? places(after) : changes(after, field), field);
      }
    } catch (error) {
      showError("The order was not changed", error);
    } finally {
      // What is stored now is what counts, whether it was kept or not.
      await client.refetchQueries({ queryKey: keys.data(plugin, collection) });
      waiting.current -= 1;
      if (latest.current === mine) setWanted(null);
    }
  }
  return { items: shown, busy: wanted !== null, move };
}

async function writeOrder(
  plugin: string,
  collection: string,
  order: readonly Place[],
  field: string,
): Promise<void> {
  const left = [...order];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      await patchItem(plugin, collection, next.id, { [field]: next.order });
    }
  };
  // All of them: what is still being written would come after the next move.
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  const failed = ended.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
}

/** As the user put them; what came meanwhile stands last, what went is not there. */
function arranged(items: readonly Item[], wanted: readonly number[]): Item[] {
  const place = new Map(wanted.map((id, index) => [id, index]));
  return [...items].sort(
    (a, b) =>
      (place.get(a._id) ?? Number.POSITIVE_INFINITY) - (place.get(b._id) ?? Number.POSITIVE_INFINITY) || 0,
  );
}
