"""What the data service answers to the gateway about schedules and files, kept in memory."""

from shared import errors
from shared.contracts import catalog as c
from shared.contracts import files as f
from shared.contracts import schedules as m
from shared.contracts.base import Done, new_id, now
from shared.messaging.handlers import Handlers


class Schedules:
    """Schedules of the data service, in memory; nothing ticks."""

    def __init__(self) -> None:
        self.schedules: dict[str, m.StoredSchedule] = {}

    def bind(self, handlers: Handlers) -> None:
        handlers.command(c.LIST_SCHEDULES, self.list)
        handlers.command(c.GET_SCHEDULE, self.get)
        handlers.command(c.CREATE_SCHEDULE, self.create)
        handlers.command(c.UPDATE_SCHEDULE, self.update)
        handlers.command(c.DELETE_SCHEDULE, self.delete)
        handlers.command(c.RUN_SCHEDULE, self.run)
        handlers.command(c.LIST_TICKS, self.ticks)

    def _of(self, schedule_id: str) -> m.StoredSchedule:
        if schedule_id not in self.schedules:
            raise errors.NotFound(f"no schedule {schedule_id}")
        return self.schedules[schedule_id]

    async def list(self, command: m.ListSchedules) -> m.SchedulePage:
        found = [one for one in self.schedules.values() if command.plugin in (None, one.plugin)]
        page = found[command.offset : command.offset + command.limit]
        return m.SchedulePage(schedules=tuple(page), total=len(found))

    async def get(self, command: m.GetSchedule) -> m.StoredSchedule:
        return self._of(command.id)

    async def create(self, command: m.CreateSchedule) -> m.StoredSchedule:
        values = command.model_dump(exclude={"actor", "at"})
        if sum(values.get(name) is not None for name in ("cron", "interval_s")) + bool(command.at) != 1:
            raise errors.Invalid("give exactly one of cron, interval_s and at", path="cron")
        made = m.StoredSchedule(
            **values, id=new_id(), created_at=now(), updated_at=now(), created_by=command.actor
        )
        self.schedules[made.id] = made
        return made

    async def update(self, command: m.UpdateSchedule) -> m.StoredSchedule:
        known = self._of(command.id)
        changes = command.model_dump(exclude_none=True, exclude={"id", "rev", "actor", "at"})
        self.schedules[known.id] = known.model_copy(update={**changes, "rev": known.rev + 1})
        return self.schedules[known.id]

    async def delete(self, command: m.DeleteSchedule) -> Done:
        del self.schedules[self._of(command.id).id]
        return Done()

    async def run(self, command: m.RunSchedule) -> m.ScheduleStarted:
        self._of(command.id)
        return m.ScheduleStarted(run_id=new_id())

    async def ticks(self, command: m.ListTicks) -> m.TickPage:
        self._of(command.id)
        return m.TickPage(ticks=(m.Tick(at=now(), outcome="skipped", reason="still running"),), total=1)


class Files:
    """Files of the data service, in memory."""

    def __init__(self) -> None:
        self.files: dict[str, f.StoredFile] = {}

    def bind(self, handlers: Handlers) -> None:
        handlers.command(c.ADD_FILE, self.add)
        handlers.command(c.GET_FILE, self.get)
        handlers.command(c.USE_FILES, self.use)

    async def add(self, command: f.AddFile) -> f.StoredFile:
        values = command.model_dump(exclude={"actor"})
        self.files[command.id] = f.StoredFile(**values, created_at=now(), created_by=command.actor)
        return self.files[command.id]

    async def get(self, command: f.GetFile) -> f.StoredFile:
        found = self.files.get(command.id)
        if found is None or command.plugin not in (None, found.plugin):
            raise errors.NotFound(f"no file {command.id}")
        return found

    async def use(self, command: f.UseFiles) -> f.UsedFiles:
        used: list[f.FileValue] = []
        refused: list[f.RefusedFile] = []
        for file_id in command.ids:
            found = self.files.get(file_id)
            if found is None or found.plugin not in (None, command.plugin):
                refused.append(f.RefusedFile(id=file_id, reason="no such file: upload it again"))
                continue
            self.files[file_id] = found.model_copy(update={"plugin": command.plugin})
            used.append(found.value)
        return f.UsedFiles(files=tuple(used), refused=tuple(refused))
