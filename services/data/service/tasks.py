"""Results of background tasks, as whoever waits for them asks."""

from services.data.repository.task_values import TaskValues
from shared.contracts import tasks as m
from shared.contracts.base import Done


class TaskService:
    """Keeps what tasks leave behind."""

    def __init__(self, values: TaskValues) -> None:
        self._values = values

    async def get(self, command: m.GetTaskValues) -> m.TaskValues:
        return m.TaskValues(values=await self._values.get(command.plugin, command.keys))

    async def put(self, command: m.PutTaskValue) -> Done:
        await self._values.put(command.plugin, command.key, command.value)
        return Done()

    async def count(self, command: m.CountTaskValue) -> m.TaskCount:
        return m.TaskCount(count=await self._values.count(command.plugin, command.key, command.op_id))

    async def drop(self, command: m.DropTaskValue) -> Done:
        await self._values.drop(command.plugin, command.key)
        return Done()
