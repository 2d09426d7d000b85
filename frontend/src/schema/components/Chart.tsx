import { AreaChart, BarChart, LineChart, PieChart } from "@mantine/charts";
import "@mantine/charts/styles.css";
import { Box, Group, Skeleton, Text, VisuallyHidden } from "@mantine/core";
import { useMemo } from "react";
import { type Item, useCollection } from "../data/collections";
import { COUNT, MOST_POINTS, type Point, points } from "../data/points";
import { color } from "../lib/style";
import { usePage } from "../page/context";
import type { NodeOf, NodeProps } from "../types";
import { Empty, Failed, Stale } from "./states";
import { titled } from "./table/columns";

const PALETTE = [
  "brand.6",
  "teal.6",
  "orange.6",
  "grape.6",
  "cyan.7",
  "pink.6",
  "lime.7",
  "red.6",
  "yellow.7",
  "blue.6",
  "green.7",
  "violet.6",
];
/** Documents that an aggregate is made of. */
const MOST_DOCUMENTS = 10_000;

export default function Chart({ node }: NodeProps<"chart">) {
  return node.data_source ? (
    <FromCollection node={node} source={node.data_source} />
  ) : (
    <Drawing node={node} items={(node.data ?? []) as Item[]} />
  );
}

function FromCollection({ node, source }: { node: NodeOf<"chart">; source: string }) {
  const { plugin } = usePage();
  const { data, error, isPending, refetch } = useCollection(plugin, source, {
    where: node.where,
    sort: node.sort,
    limit: node.aggregate ? MOST_DOCUMENTS : MOST_POINTS,
  });
  if (isPending) return <Skeleton height={node.height ?? 260} radius="md" />;
  if (error && !data) return <Failed error={error} retry={refetch} />;
  return (
    <>
      {error && <Stale error={error} retry={refetch} />}
      <Drawing node={node} items={data?.items ?? []} />
    </>
  );
}

function Drawing({ node, items }: { node: NodeOf<"chart">; items: readonly Item[] }) {
  const series = useMemo(() => (node.series?.length ? node.series : [COUNT]), [node.series]);
  const data = useMemo(
    () => points(items, node.x, series, node.aggregate),
    [items, node.x, series, node.aggregate],
  );
  const named = series.map((one, index) => ({
    name: `s${index}`,
    label: one.label || titled(one.id),
    color: color(one.color) ?? PALETTE[index % PALETTE.length] ?? "brand.6",
  }));
  const height = node.height ?? 260;
  return (
    <Box data-ui="chart" data-kind={node.kind}>
      {node.title && (
        <Text fw={600} mb="xs">
          {node.title}
        </Text>
      )}
      {data.length === 0 ? (
        <Empty message="Nothing to draw yet" icon="chart-bar" />
      ) : (
        <figure style={{ margin: 0 }}>
          <Box aria-hidden>
            <Drawn node={node} data={data} named={named} height={height} />
          </Box>
          <figcaption>
            <Numbers title={node.title ?? undefined} data={data} named={named} />
          </figcaption>
        </figure>
      )}
    </Box>
  );
}

interface DrawnProps {
  node: NodeOf<"chart">;
  data: Point[];
  named: { name: string; label: string; color: string }[];
  height: number;
}

/** Its own keyboard layer says less than the table of numbers, and stands in the way. */
const SILENT = { accessibilityLayer: false } as const;

function Drawn({ node, data, named, height }: DrawnProps) {
  const common = {
    h: height,
    data,
    dataKey: "x",
    series: named,
    withLegend: named.length > 1,
    // One that moves whenever something changes draws the eye to no purpose.
    tickLine: "none" as const,
    gridAxis: "x" as const,
  };
  switch (node.kind) {
    case "line":
      return (
        <LineChart
          {...common}
          lineChartProps={SILENT}
          curveType="monotone"
          lineProps={{ isAnimationActive: false }}
        />
      );
    case "area":
      return (
        <AreaChart
          {...common}
          areaChartProps={SILENT}
          type={node.stacked ? "stacked" : "default"}
          curveType="monotone"
          areaProps={{ isAnimationActive: false }}
        />
      );
    case "bar":
      return (
        <BarChart
          {...common}
          barChartProps={SILENT}
          type={node.stacked ? "stacked" : "default"}
          barProps={{ isAnimationActive: false, radius: 3, maxBarSize: 48 }}
        />
      );
    case "pie":
      return <Pie data={data} height={height} />;
  }
}

const MOST_SLICES = 12;

function Pie({ data, height }: { data: Point[]; height: number }) {
  const slices = data.slice(0, MOST_SLICES).map((one, index) => ({
    name: one.x || "—",
    value: Number(one.s0 ?? 0),
    color: PALETTE[index % PALETTE.length] ?? "brand.6",
  }));
  return (
    <Group gap="xl" align="center">
      <PieChart
        pieChartProps={SILENT}
        data={slices}
        size={Math.min(height, 320) - 20}
        withTooltip
        tooltipDataSource="segment"
        strokeWidth={1}
        pieProps={{ isAnimationActive: false, rootTabIndex: -1 }}
        my={10}
      />
      <Box component="ul" m={0} p={0} style={{ listStyle: "none" }}>
        {slices.map((slice) => (
          <Group component="li" key={slice.name} gap={8} wrap="nowrap">
            <Box
              w={10}
              h={10}
              style={{ borderRadius: 3, background: `var(--mantine-color-${slice.color.replace(".", "-")})` }}
            />
            <Text size="sm">{slice.name}</Text>
            <Text size="sm" c="dimmed">
              {slice.value.toLocaleString()}
            </Text>
          </Group>
        ))}
      </Box>
    </Group>
  );
}

/** The same for who cannot see the picture. */
function Numbers({
  title,
  data,
  named,
}: {
  title: string | undefined;
  data: Point[];
  named: DrawnProps["named"];
}) {
  return (
    <VisuallyHidden>
      <table>
        <caption>{title ?? "Chart"}</caption>
        <tbody>
          {data.slice(0, 100).map((one, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: points have no ids
            <tr key={index}>
              <th scope="row">{one.x}</th>
              {named.map(({ name, label }) => (
                <td key={name}>
                  {label}: {one[name]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </VisuallyHidden>
  );
}
