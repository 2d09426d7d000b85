import { Skeleton, Stack } from "@mantine/core";

export function TableSkeleton({ columns }: { columns: number }) {
  return (
    <Stack gap={8} data-state="loading" aria-busy="true" aria-label="Loading">
      {[0, 1, 2, 3, 4].map((row) => (
        <div key={row} style={{ display: "flex", gap: 16 }}>
          {Array.from({ length: Math.min(columns, 6) }, (_, column) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: grey bars that never change places
            <Skeleton key={column} height={row ? 18 : 22} radius="sm" />
          ))}
        </div>
      ))}
    </Stack>
  );
}
