import { createBrowserRouter, Navigate, useParams } from "react-router";
import { Shell } from "./shell/Shell";
import { Welcome } from "./Welcome";

function PluginRoute({ Page }: { Page: typeof import("@/schema/PluginPage").PluginPage }) {
  const { key = "", pageId } = useParams();
  // A key of its own for each page: nothing of one page may be left over on the next.
  return <Page key={`${key}/${pageId ?? ""}`} pluginKey={key} page={pageId} />;
}

const pluginPage = async () => {
  const { PluginPage } = await import("@/schema/PluginPage");
  return { Component: () => <PluginRoute Page={PluginPage} /> };
};

export function createRouter() {
  return createBrowserRouter([
    {
      Component: Welcome,
      children: [
        {
          Component: Shell,
          children: [
            { index: true, element: <Navigate to="/plugins" replace /> },
            { path: "plugins/:key", lazy: pluginPage },
            { path: "plugins/:key/:pageId", lazy: pluginPage },
          ],
        },
      ],
    },
  ]);
}
