import "@mantine/notifications/styles.css";
import { Notifications } from "@mantine/notifications";

/** Where notifications show; lazy, since none is shown before something was done. */
export default function Notices() {
  return <Notifications position="bottom-right" limit={4} zIndex={400} notificationMaxHeight="60vh" />;
}
