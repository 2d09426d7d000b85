import { expect, test } from "vitest";
import { tablerName } from "./names";

test.each([
  ["calendar", "calendar"],
  ["IconCalendar", "calendar"],
  ["IconHome2", "home-2"],
  ["IconBrandGithubFilled", "brand-github-filled"],
  ["ti ti-trash", "trash"],
  ["ti-refresh", "refresh"],
  ["list_details", "list-details"],
  [" Player Play ", "player-play"],
])("%s means %s", (written, name) => expect(tablerName(written)).toBe(name));
