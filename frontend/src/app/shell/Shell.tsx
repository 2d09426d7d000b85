import { Outlet } from "react-router";
import { LiveProvider } from "@/shared/live/LiveProvider";

export function Shell() {
  return (
    <LiveProvider>
      <Outlet />
    </LiveProvider>
  );
}
