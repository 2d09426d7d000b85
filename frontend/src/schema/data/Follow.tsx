import { keys } from "@/shared/api/keys";
import { useLiveQuery } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";

/** Keeps what was read of these collections true; draws nothing. (A hook cannot follow a number that changes.) */
export function Follow({ plugin, names }: { plugin: string; names: readonly string[] }) {
  return names.map((name) => <FollowOne key={name} plugin={plugin} name={name} />);
}

function FollowOne({ plugin, name }: { plugin: string; name: string }) {
  useLiveQuery(topics.data(plugin, name), keys.data(plugin, name));
  return null;
}
