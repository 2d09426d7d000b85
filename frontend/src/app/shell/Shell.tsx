import { AppShell, Burger, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Suspense, useEffect, useRef } from "react";
import { Outlet, useLocation } from "react-router";
import { FollowedRuns } from "@/shared/actions/FollowedRuns";
import { LiveProvider } from "@/shared/live/LiveProvider";
import { Logo } from "@/shared/ui/Logo";
import { ConnectionDot } from "./Connection";
import { PluginUpdates } from "./PluginUpdates";
import { Sidebar } from "./Sidebar";
import classes from "./shell.module.css";

export function Shell() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const seen = useRef(pathname);
  useEffect(() => {
    close();
    if (seen.current === pathname) return;
    seen.current = pathname;
    // As after a page load: screen readers and the keyboard start at the top of the new page.
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [pathname, close]);

  return (
    <LiveProvider>
      <a href="#main" className={classes.skip}>
        Skip to the content
      </a>
      <AppShell
        layout="alt"
        padding={{ base: "md", sm: "xl" }}
        header={{ height: { base: 56, sm: 0 } }}
        navbar={{ width: 256, breakpoint: "sm", collapsed: { mobile: !opened } }}
        transitionDuration={150}
      >
        <AppShell.Header hiddenFrom="sm" withBorder>
          <Group h="100%" px="md" gap="sm">
            <Burger
              opened={opened}
              onClick={toggle}
              size="sm"
              aria-label={opened ? "Close the menu" : "Open the menu"}
              aria-expanded={opened}
            />
            <Logo size={26} />
            <Text fw={700}>Plugarr</Text>
            <ConnectionDot ml="auto" />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar aria-label="Main" className={classes.navbar} data-closed={!opened || undefined}>
          <Sidebar close={close} />
        </AppShell.Navbar>
        <AppShell.Main id="main" ref={main} tabIndex={-1} className={classes.main}>
          <div className={classes.content}>
            <Suspense fallback={<Progress />}>
              <Outlet />
            </Suspense>
          </div>
        </AppShell.Main>
      </AppShell>
      <FollowedRuns />
      <PluginUpdates />
    </LiveProvider>
  );
}

/** A page's code that takes a moment to come shows as a line at the top. */
function Progress() {
  return <div className={classes.progress} role="progressbar" aria-label="Loading the page" />;
}
