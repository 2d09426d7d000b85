import type { ComponentType } from "react";
import type { Component, Schemas } from "@/shared/api/types";

export type UiType = Component["type"];
export type NodeOf<T extends UiType> = Extract<Component, { type: T }>;

export interface NodeProps<T extends UiType> {
  node: NodeOf<T>;
}

/** What each type is drawn by: a type that the backend adds does not compile until it is drawn. */
export type Registry = { [T in UiType]: ComponentType<NodeProps<T>> };

export type RowAction = Schemas["RowAction"];
export type Column = Schemas["Column"];
