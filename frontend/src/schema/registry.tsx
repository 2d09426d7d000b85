import { lazy } from "react";
import { Button } from "./components/buttons";
import { Alert, Badge, Divider, Invalid, Picture, Text, Title } from "./components/content";
import { Form } from "./components/Form";
import { List } from "./components/List";
import { Card, Grid, Group, Nowhere, Stack } from "./components/layout";
import { Tabs } from "./components/Tabs";
import type { Registry } from "./types";

const runs = () => import("./components/RunViews");
const texts = () => import("./components/texts");

/** Every component by its type; what weighs more than a kilobyte or two comes when it is first drawn. */
export const registry: Registry = {
  stack: Stack,
  group: Group,
  grid: Grid,
  card: Card,
  tabs: Tabs,
  text: Text,
  title: Title,
  alert: Alert,
  badge: Badge,
  button: Button,
  divider: Divider,
  form: Form,
  list: List,
  image: Picture,
  // Dialogs are drawn by the page when they are opened, wherever they stand.
  modal: Nowhere,
  drawer: Nowhere,
  table: lazy(() => import("./components/Table")),
  drag_drop_list: lazy(() => import("./components/DragDropList")),
  chart: lazy(() => import("./components/Chart")),
  stat: lazy(() => import("./components/Stat")),
  details: lazy(() => import("./components/Details")),
  markdown: lazy(texts),
  code: lazy(async () => ({ default: (await texts()).Code })),
  progress: lazy(runs),
  log: lazy(async () => ({ default: (await runs()).LogView })),
  upload: lazy(() => import("./components/Upload")),
  stepper: lazy(() => import("./components/Stepper")),
  poll: lazy(() => import("./components/Poll")),
  invalid: Invalid,
};
