import { useDebouncedValue } from "@mantine/hooks";
import { type Dispatch, type SetStateAction, useMemo, useState } from "react";
import type { Filter } from "../../data/collections";
import type { Sorting } from "../../data/rows";

/** What the user chose to see of a table. */
export interface TableView {
  typed: string;
  search: string;
  setSearch: (text: string) => void;
  filters: readonly Filter[];
  setFilter: (field: string, filter: Filter | null) => void;
  sorting: Sorting | null;
  toggleSort: (id: string, from: Sorting | null) => void;
  page: number;
  setPage: (page: number) => void;
  selected: ReadonlySet<number>;
  setSelected: Dispatch<SetStateAction<ReadonlySet<number>>>;
}

const NONE: ReadonlySet<number> = new Set();
/** Typing faster than this is one search. */
const TYPING_MS = 150;

export function useTableView(): TableView {
  const [typed, setTyped] = useState("");
  const [search] = useDebouncedValue(typed, TYPING_MS);
  const [filters, setFilters] = useState<readonly Filter[]>([]);
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const [page, setPage] = useState(1);
  const [selected, setSelected] = useState(NONE);
  return useMemo(() => {
    // Another question has other answers: from the first page, with nothing chosen.
    const anew = () => {
      setPage(1);
      setSelected(NONE);
    };
    return {
      typed,
      search,
      setSearch: (text: string) => {
        setTyped(text);
        anew();
      },
      filters,
      setFilter: (field: string, filter: Filter | null) => {
        setFilters((before) => [...before.filter((one) => one.field !== field), ...(filter ? [filter] : [])]);
        anew();
      },
      sorting,
      toggleSort: (id: string, from: Sorting | null) => {
        setSorting(from?.id === id ? (from.desc ? null : { id, desc: true }) : { id, desc: false });
        setPage(1);
      },
      page,
      setPage: (next: number) => {
        setPage(next);
        setSelected(NONE);
      },
      selected,
      setSelected,
    };
  }, [typed, search, filters, sorting, page, selected]);
}
