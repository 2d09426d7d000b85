import { createContext, useContext } from "react";
import type { Level, User } from "@/shared/api/types";

const RANK: Record<Level, number> = { viewer: 0, user: 1, admin: 2 };

export const UserContext = createContext<User | null>(null);

/** Who is logged in; everything within the shell has somebody. */
export function useUser(): User {
  const user = useContext(UserContext);
  if (!user) throw new Error("useUser outside of the shell");
  return user;
}

/** Whether the user may do what takes that level. The gateway decides; this only hides what it would refuse. */
export function useMay(level: Level): boolean {
  return RANK[useUser().level] >= RANK[level];
}
