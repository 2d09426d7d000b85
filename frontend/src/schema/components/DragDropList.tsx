import {
  closestCenter,
  DndContext,
  type DragEndEvent,
  KeyboardSensor,
  MouseSensor,
  TouchSensor,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import {
  SortableContext,
  sortableKeyboardCoordinates,
  useSortable,
  verticalListSortingStrategy,
} from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { Box } from "@mantine/core";
import { useMemo } from "react";
import { Icon } from "@/shared/icons/Icon";
import { type Item, useCollection } from "../data/collections";
import { MOST_ORDERED } from "../data/order";
import { useReorder } from "../data/useReorder";
import { fill } from "../lib/templates";
import { usePage } from "../page/context";
import type { NodeOf, NodeProps } from "../types";
import { RowButtons } from "./buttons";
import { ItemText, ListSkeleton } from "./List";
import styles from "./list.module.css";
import { Empty, Failed, Stale } from "./states";

export default function DragDropList({ node }: NodeProps<"drag_drop_list">) {
  const { plugin } = usePage();
  const field = node.order_field || "order";
  const { data, error, isPending, refetch } = useCollection(plugin, node.data_source, {
    where: node.where,
    limit: MOST_ORDERED,
  });
  const { items, move, busy } = useReorder({
    plugin,
    collection: node.data_source,
    items: data?.items,
    field,
    onReorder: node.on_reorder ?? null,
  });
  const sensors = useSensors(
    // A click is no drag.
    useSensor(MouseSensor, { activationConstraint: { distance: 4 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 120, tolerance: 8 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const ids = useMemo(() => items.map((item) => item._id), [items]);
  const named = (id: unknown) =>
    fill(
      node.item_template.title,
      items.find((item) => item._id === id),
    ) || `item ${id}`;
  const place = (id: unknown) => `${ids.indexOf(Number(id)) + 1} of ${ids.length}`;

  if (isPending) return <ListSkeleton />;
  if (error && !data) return <Failed error={error} retry={refetch} />;
  const stale = error && <Stale error={error} retry={refetch} />;
  if (!items.length) {
    return (
      <>
        {stale}
        <Empty message={node.empty_message || "Nothing here yet"} />
      </>
    );
  }

  const end = ({ active, over }: DragEndEvent) => {
    if (over && active.id !== over.id) move(ids.indexOf(Number(active.id)), ids.indexOf(Number(over.id)));
  };
  return (
    <Box data-ui="drag_drop_list" aria-busy={busy || undefined}>
      {stale}
      <DndContext
        sensors={sensors}
        collisionDetection={closestCenter}
        onDragEnd={end}
        accessibility={{
          screenReaderInstructions: {
            draggable:
              "Press space to lift the item, the arrow keys to move it, space to put it down, escape to leave it where it was.",
          },
          announcements: {
            onDragStart: ({ active }) => `Lifted ${named(active.id)}, ${place(active.id)}.`,
            onDragOver: ({ active, over }) =>
              over ? `${named(active.id)} is now at ${place(over.id)}.` : undefined,
            onDragEnd: ({ active, over }) =>
              `${named(active.id)} was put down at ${place((over ?? active).id)}.`,
            onDragCancel: ({ active }) => `${named(active.id)} stays where it was.`,
          },
        }}
      >
        <SortableContext items={ids} strategy={verticalListSortingStrategy}>
          <ul className={styles.list}>
            {items.map((item) => (
              <SortableItem key={item._id} item={item} node={node} label={named(item._id)} />
            ))}
          </ul>
        </SortableContext>
      </DndContext>
    </Box>
  );
}

function SortableItem({ item, node, label }: { item: Item; node: NodeOf<"drag_drop_list">; label: string }) {
  const { mayRun } = usePage();
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } =
    useSortable({ id: item._id, disabled: !mayRun });
  return (
    <li
      ref={setNodeRef}
      className={`${styles.item} ${isDragging ? styles.dragging : ""}`}
      style={{ transform: CSS.Translate.toString(transform), transition }}
      data-id={item._id}
    >
      <button
        ref={setActivatorNodeRef}
        type="button"
        className={styles.handle}
        {...attributes}
        {...listeners}
        disabled={!mayRun}
        aria-label={`Move ${label}`}
      >
        <Icon name="grip-vertical" size={18} />
      </button>
      <ItemText template={node.item_template} item={item} />
      {node.actions?.length ? <RowButtons actions={node.actions} item={item} /> : null}
    </li>
  );
}
