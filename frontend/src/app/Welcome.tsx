import { Outlet } from "react-router";

export function Welcome() {
  return <Outlet />;
}
