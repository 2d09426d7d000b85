import { lazy } from "react";
import { Navigate, Route, Routes, useParams } from "react-router";
import { Shell } from "./shell/Shell";
import { Welcome } from "./Welcome";

const PluginPage = lazy(async () => ({ default: (await import("@/schema/PluginPage")).PluginPage }));
const PluginsPage = lazy(() => import("@/features/plugins/PluginsPage"));
const RunsPage = lazy(() => import("@/features/runs/RunsPage"));
const RunPage = lazy(() => import("@/features/runs/RunPage"));
const SchedulesPage = lazy(() => import("@/features/schedules/SchedulesPage"));
const UsersPage = lazy(() => import("@/features/accounts/UsersPage"));
const NotFound = lazy(() => import("./NotFound"));

/** Every page by its address; the code of each comes when it is first opened. */
export function Pages() {
  return (
    <Routes>
      <Route element={<Welcome />}>
        <Route element={<Shell />}>
          <Route index element={<Navigate to="/plugins" replace />} />
          <Route path="plugins" element={<PluginsPage />} />
          <Route path="plugins/:key" element={<OfPlugin />} />
          <Route path="plugins/:key/:pageId" element={<OfPlugin />} />
          <Route path="runs" element={<RunsPage />} />
          <Route path="runs/:runId" element={<RunPage />} />
          <Route path="schedules" element={<SchedulesPage />} />
          <Route path="users" element={<UsersPage />} />
          <Route path="*" element={<NotFound />} />
        </Route>
      </Route>
    </Routes>
  );
}

function OfPlugin() {
  const { key = "", pageId } = useParams();
  // A key of its own for each page: nothing of one page may be left over on the next.
  return <PluginPage key={`${key}/${pageId ?? ""}`} pluginKey={key} page={pageId} />;
}
