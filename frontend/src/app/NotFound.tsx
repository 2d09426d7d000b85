import { Button } from "@mantine/core";
import { Link } from "react-router";
import { Page } from "@/shared/ui/Page";
import { Empty } from "@/shared/ui/states";

export default function NotFound() {
  return (
    <Page title="There is no such page">
      <Empty
        icon="map-search"
        title="Nothing lies at this address"
        action={
          <Button component={Link} to="/plugins" variant="default">
            To the plugins
          </Button>
        }
      >
        The link may be old, or the plugin that it led to is gone or disabled.
      </Empty>
    </Page>
  );
}
