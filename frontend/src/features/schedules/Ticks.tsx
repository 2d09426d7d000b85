import { Anchor, Badge, Table, Text } from "@mantine/core";
import { Link } from "react-router";
import { absoluteTime } from "@/shared/format";
import { Loaded, Loading } from "@/shared/ui/states";
import { type Schedule, type Tick, useTicks } from "./useSchedules";

const LOOK: Record<Tick["outcome"], [string, string]> = {
  ran: ["Ran", "green"],
  skipped: ["Skipped", "gray"],
  missed: ["Missed", "orange"],
};

/** What became of a schedule's past ticks, the missed and skipped ones with the reason. */
export function Ticks({ schedule }: { schedule: Schedule }) {
  const ticks = useTicks(schedule.id);
  return (
    <Loaded
      query={ticks}
      loading={<Loading rows={2} height={28} />}
      what="The past ticks could not be loaded"
    >
      {({ ticks: list }) =>
        list.length === 0 ? (
          <Text size="sm" c="dimmed" mt="sm">
            It has not ticked yet.
          </Text>
        ) : (
          <Table fz="sm" mt="sm" aria-label={`Past ticks of ${schedule.name}`}>
            <Table.Tbody>
              {list.map((tick) => {
                const [word, color] = LOOK[tick.outcome];
                return (
                  <Table.Tr key={`${tick.at} ${tick.run_id ?? tick.outcome}`}>
                    <Table.Td w={110}>
                      <Badge variant="light" color={color} tt="none">
                        {word}
                        {(tick.count ?? 1) > 1 && ` × ${tick.count}`}
                      </Badge>
                    </Table.Td>
                    <Table.Td>{absoluteTime(tick.at)}</Table.Td>
                    <Table.Td>
                      {tick.run_id ? (
                        <Anchor component={Link} to={`/runs/${tick.run_id}`} inherit>
                          Show the run
                        </Anchor>
                      ) : (
                        tick.reason
                      )}
                    </Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        )
      }
    </Loaded>
  );
}
