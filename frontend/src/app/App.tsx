import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { BrowserRouter } from "react-router";
import { ConfirmHost } from "@/shared/actions/confirm";
import { createQueryClient } from "@/shared/api/queryClient";
import { Pages } from "./Pages";
import { cssVariables, theme } from "./theme";

const Notices = lazy(() => import("./Notices"));

export function App() {
  const [client] = useState(createQueryClient);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={client}>
        <BrowserRouter>
          <Pages />
          <ConfirmHost />
        </BrowserRouter>
        <Suspense>
          <Notices />
        </Suspense>
      </QueryClientProvider>
    </MantineProvider>
  );
}
