import "@mantine/notifications/styles.css";
import { Notifications } from "@mantine/notifications";
import { MOST_SHOWN } from "@/shared/actions/notify";

/** Where notifications show; lazy, since none is shown before something was done. */
export default function Notices() {
  return (
    <Notifications position="bottom-right" limit={MOST_SHOWN} zIndex={400} notificationMaxHeight="60vh" />
  );
}
