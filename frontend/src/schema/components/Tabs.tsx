import { Tabs as MantineTabs, Stack } from "@mantine/core";
import { useState } from "react";
import { Icon } from "@/shared/icons/Icon";
import { placeKey } from "../lib/keys";
import { Nodes } from "../Node";
import type { NodeProps } from "../types";

/** Each tab is drawn when it is first opened, and keeps what was typed into it from then on. */
export function Tabs({ node }: NodeProps<"tabs">) {
  const [active, setActive] = useState<string | null>("0");
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => new Set(["0"]));
  return (
    <MantineTabs
      value={active}
      onChange={(next) => {
        setActive(next);
        if (next !== null) setOpened((before) => new Set(before).add(next));
      }}
      keepMounted
      data-ui="tabs"
    >
      <MantineTabs.List mb="md" style={{ overflowX: "auto", overflowY: "hidden", flexWrap: "nowrap" }}>
        {node.items.map((item, index) => (
          <MantineTabs.Tab
            key={placeKey(index, item.id)}
            value={String(index)}
            data-tab={item.id}
            leftSection={item.icon ? <Icon name={item.icon} size={16} /> : undefined}
            style={{ flexShrink: 0 }}
          >
            {item.label}
          </MantineTabs.Tab>
        ))}
      </MantineTabs.List>
      {node.items.map((item, index) => (
        <MantineTabs.Panel key={placeKey(index, item.id)} value={String(index)}>
          {opened.has(String(index)) && (
            <Stack gap="md">
              <Nodes nodes={item.components} />
            </Stack>
          )}
        </MantineTabs.Panel>
      ))}
    </MantineTabs>
  );
}
