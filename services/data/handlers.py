"""Each contract of the data service, bound to one method."""

from faststream.nats import NatsBroker

from services.data.service.configs import ConfigService
from services.data.service.files import FileService
from services.data.service.items import ItemService
from services.data.service.runs import RunService
from services.data.service.schedules import ScheduleService
from services.data.service.tasks import TaskService
from services.data.service.users import UserService
from shared.contracts import catalog as c
from shared.messaging.handlers import Handlers


def bind(  # noqa: PLR0915 - one line for each contract
    broker: NatsBroker,
    *,
    items: ItemService,
    configs: ConfigService,
    runs: RunService,
    tasks: TaskService,
    schedules: ScheduleService,
    files: FileService,
    users: UserService,
) -> Handlers:
    """Bind every command that the data service owns."""
    handlers = Handlers(broker, "data")
    handlers.streaming(c.LIST_ITEMS, items.list_items)
    handlers.command(c.GET_ITEM, items.get)
    handlers.command(c.ADD_ITEM, items.add)
    handlers.command(c.REPLACE_ITEM, items.replace_item)
    handlers.command(c.PATCH_ITEM, items.patch)
    handlers.command(c.DELETE_ITEM, items.delete)
    handlers.streaming(c.REPLACE_COLLECTION, items.replace)
    handlers.command(c.CLEAR_COLLECTION, items.clear)
    handlers.command(c.TAKE_IDS, items.take_ids)
    handlers.command(c.WRITE_TOGETHER, items.write_together)

    handlers.command(c.GET_TASK_VALUES, tasks.get)
    handlers.command(c.PUT_TASK_VALUE, tasks.put)
    handlers.command(c.COUNT_TASK_VALUE, tasks.count)
    handlers.command(c.DROP_TASK_VALUE, tasks.drop)

    handlers.streaming(c.LIST_CONFIGS, configs.list_configs)
    handlers.command(c.GET_CONFIG, configs.get)
    handlers.command(c.SET_ENABLED, configs.set_enabled)
    handlers.command(c.SET_SETTINGS, configs.set_settings)
    handlers.command(c.SET_PLACEMENT, configs.set_placement)
    handlers.command(c.DELETE_PLUGIN_CONFIG, configs.delete)

    handlers.command(c.LIST_RUNS, runs.list_runs)
    handlers.command(c.GET_RUN, runs.get)
    handlers.command(c.GET_RUN_LOG, runs.log)
    handlers.command(c.CANCEL_RUN, runs.cancel)
    handlers.command(c.GET_SIBLINGS, runs.siblings)
    handlers.command(c.RETRY_RUN, runs.retry)

    handlers.command(c.LIST_SCHEDULES, schedules.page)
    handlers.command(c.GET_SCHEDULE, schedules.get)
    handlers.command(c.CREATE_SCHEDULE, schedules.create)
    handlers.command(c.UPDATE_SCHEDULE, schedules.update)
    handlers.command(c.KEEP_SCHEDULE, schedules.keep)
    handlers.command(c.DELETE_SCHEDULE, schedules.delete)
    handlers.command(c.RUN_SCHEDULE, schedules.run)
    handlers.command(c.LIST_TICKS, schedules.ticks)

    handlers.command(c.ADD_FILE, files.add)
    handlers.command(c.GET_FILE, files.get)
    handlers.command(c.USE_FILES, files.use)

    handlers.command(c.GET_SETUP, users.setup)
    handlers.command(c.CREATE_FIRST_ADMIN, users.create_first_admin)
    handlers.command(c.LOG_IN, users.log_in)
    handlers.command(c.GET_USER, users.get)
    handlers.command(c.LIST_USERS, users.list_users)
    handlers.command(c.CREATE_USER, users.create)
    handlers.command(c.UPDATE_USER, users.update)
    handlers.command(c.DELETE_USER, users.delete)
    handlers.command(c.CREATE_API_KEY, users.create_key)
    handlers.command(c.LIST_API_KEYS, users.list_keys)
    handlers.command(c.DELETE_API_KEY, users.delete_key)
    handlers.command(c.AUTHENTICATE_API_KEY, users.authenticate_key)
    return handlers
