import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo } from "react";
import { BrowserRouter } from "react-router";
import { ConfirmHost } from "@/shared/actions/confirm";
import { forgetAll } from "@/shared/actions/followed";
import { clearNotices } from "@/shared/actions/notify";
import { createQueryClient } from "@/shared/api/queryClient";
import { useSubject } from "@/shared/api/session";
import { Pages } from "./Pages";
import { cssVariables, theme } from "./theme";

const Notices = lazy(() => import("./Notices"));

export function App() {
  const subject = useSubject();
  // Anew for each user: what one may see is nothing for the next.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the user is what it depends on
  const client = useMemo(createQueryClient, [subject]);
  useEffect(() => {
    if (subject === null) return;
    return () => {
      clearNotices();
      forgetAll();
    };
  }, [subject]);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider key={subject} client={client}>
        <BrowserRouter>
          <Pages />
          <ConfirmHost />
          <Suspense>
            <Notices />
          </Suspense>
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>
  );
}
