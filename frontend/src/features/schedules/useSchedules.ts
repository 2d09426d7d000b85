import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/shared/api/client";
import { keys } from "@/shared/api/keys";
import type { Schemas } from "@/shared/api/types";
import { useChange } from "@/shared/api/useChange";
import { useLiveQuery, useLiveState } from "@/shared/live/LiveProvider";
import { topics } from "@/shared/live/topics";

export type Schedule = Schemas["Schedule"];
export type Tick = Schemas["Tick"];
export type ScheduleBody = Schemas["ScheduleBody"];

const LIMIT = 500;

export function useSchedules() {
  const live = useLiveState() === "live";
  useLiveQuery(topics.schedules, keys.schedules);
  return useQuery({
    queryKey: keys.schedules,
    queryFn: () => call(api.GET("/api/schedules/", { params: { query: { limit: LIMIT } } })),
    refetchInterval: live ? 60_000 : 10_000,
  });
}

const path = (id: string) => ({ params: { path: { schedule_id: id } } });

export function useTicks(id: string) {
  return useQuery({
    queryKey: [...keys.schedule(id), "ticks"],
    queryFn: () =>
      call(
        api.GET("/api/schedules/{schedule_id}/ticks/", {
          params: { path: { schedule_id: id }, query: { limit: 50 } },
        }),
      ),
  });
}

const stale = [keys.schedules];

export const createSchedule = (body: ScheduleBody) => call(api.POST("/api/schedules/", { body }));

export const changeSchedule = (id: string, body: Schemas["SchedulePatch"]) =>
  call(api.PATCH("/api/schedules/{schedule_id}/", { ...path(id), body }));

export function usePause() {
  return useChange({
    failure: "Could not change the schedule",
    run: ({ id, enabled }: Schedule) =>
      call(
        enabled
          ? api.POST("/api/schedules/{schedule_id}/pause/", path(id))
          : api.POST("/api/schedules/{schedule_id}/resume/", path(id)),
      ),
    done: (_, { name, enabled }) => (enabled ? `${name} is paused.` : `${name} goes on.`),
    stale,
  });
}

export function useRunNow() {
  return useChange({
    failure: "Could not run it now",
    run: ({ id }: Schedule) => call(api.POST("/api/schedules/{schedule_id}/run/", path(id))),
    stale: [keys.schedules, keys.runs],
  });
}

export function useDeleteSchedule() {
  return useChange({
    failure: "Could not delete the schedule",
    run: ({ id }: Schedule) => call(api.DELETE("/api/schedules/{schedule_id}/", path(id))),
    done: (_, { name }) => `${name} is deleted.`,
    stale,
  });
}
