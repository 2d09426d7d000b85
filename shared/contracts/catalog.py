"""Every message of the platform, named once. Nobody writes a subject string anywhere else."""

from typing import Final

from shared.contracts import changes, data, files, plugins, runs, schedules, tasks, users
from shared.contracts.base import Done
from shared.contracts.contract import AnyContract, Rpc, Signal, Stored, StoredEvent, Subject

# Streams: what they keep and for how long stands in `shared.contracts.streams`.
RUN_CMD: Final = "RUN_CMD"
RUN_STATE: Final = "RUN_STATE"
RUN_LOG: Final = "RUN_LOG"
RUN_PROGRESS: Final = "RUN_PROGRESS"
EVENTS_PLUGINS: Final = "EVENTS_PLUGINS"
EVENTS_APP: Final = "EVENTS_APP"
EVENTS_DATA: Final = "EVENTS_DATA"
TICKS: Final = "TICKS"

# A run, from the command to the history.
RUN_REQUESTED: Final = Stored(Subject("run.request.{plugin}"), runs.RunRequested, RUN_CMD)
RUN_REQUESTED_BY_USER: Final = Stored(
    Subject("run.request.{plugin}.{action}.{user}"), runs.RunRequested, RUN_CMD
)
"""The form of outside publishers: the bus itself then vouches for the action and the actor."""
TASK_REQUESTED: Final = Stored(Subject("run.task.{plugin}"), runs.RunRequested, RUN_CMD)
"""A background task, in a lane of its own: an action may wait for the tasks that it started."""
RUN_STATE_CHANGED: Final = StoredEvent(Subject("run.state.{run_id}"), runs.RunState, RUN_STATE)
RUN_LOGGED: Final = StoredEvent(Subject("run.log.{run_id}"), runs.RunLogged, RUN_LOG)
PLUGIN_LOGGED: Final = StoredEvent(Subject("run.log.plugin.{plugin}"), runs.RunLogged, RUN_LOG)
RUN_PROGRESSED: Final = StoredEvent(Subject("run.progress.{run_id}"), runs.RunProgressed, RUN_PROGRESS)
RUN_CONTROLLED: Final = Signal(Subject("run.control.{run_id}"), runs.RunControlled)
RUN_ENDED: Final = Signal(Subject("run.result.{kind}.{caller}.{run_id}"), runs.RunResult)
"""Sent to the command's caller when the final state is stored."""

# Facts about plugins and the application around them.
PLUGIN_CHANGED: Final = StoredEvent(Subject("event.plugins.{plugin}"), plugins.PluginChanged, EVENTS_PLUGINS)
APP_EVENT: Final = StoredEvent(Subject("event.app.{name}"), plugins.AppEvent, EVENTS_APP)

# Schedules: timers that the bus keeps, and what they turn into when they go off.
TIMER_SET: Final = Stored(Subject("schedule.{schedule_id}"), schedules.TickDue, TICKS)
TICKED: Final = Stored(Subject("tick.{schedule_id}"), schedules.TickDue, TICKS)

# What MongoDB's change stream says; only data's tailer writes these.
DATA_CHANGED: Final = StoredEvent(
    Subject("event.data.{plugin}.{collection}"), changes.DataChanged, EVENTS_DATA
)
CONFIG_CHANGED: Final = StoredEvent(Subject("event.configs.{plugin}"), changes.ConfigChanged, EVENTS_DATA)
USER_CHANGED: Final = StoredEvent(Subject("event.users.{user}"), changes.UserChanged, EVENTS_DATA)
SCHEDULE_CHANGED: Final = StoredEvent(
    Subject("event.schedules.{schedule_id}"), changes.ScheduleChanged, EVENTS_DATA
)
CHANGES_CHECKED: Final = StoredEvent(Subject("event.changes.checked"), changes.ChangesChecked, EVENTS_DATA)
CHANGES_LOST: Final = StoredEvent(Subject("event.changes.lost"), changes.ChangesLost, EVENTS_DATA)

# The registry.
RELOAD_PLUGINS: Final = Rpc(
    "registry.reload_plugins", plugins.ReloadPlugins, plugins.Reloaded, timeout_s=30.0
)
IMPORT_PLUGIN: Final = Rpc("registry.import_plugin", plugins.ImportPlugin, plugins.Imported, timeout_s=60.0)
DELETE_PLUGIN: Final = Rpc("registry.delete_plugin", plugins.DeletePlugin, Done, timeout_s=30.0)
GET_LOGO: Final = Rpc("registry.get_logo", plugins.GetLogo, plugins.Logo, repeatable=True)

# The provisioner: nobody else makes consumers.
ENSURE_CONSUMER: Final = Rpc("provisioner.ensure_consumer", plugins.EnsureConsumer, Done)
REMOVE_CONSUMER: Final = Rpc("provisioner.remove_consumer", plugins.RemoveConsumer, Done)

# Plugin data.
LIST_ITEMS: Final = Rpc(
    "data.list_items", data.ListItems, data.ListHead, timeout_s=30.0, stream_of=data.Record
)
GET_ITEM: Final = Rpc("data.get_item", data.GetItem, data.RecordAnswer, repeatable=True)
ADD_ITEM: Final = Rpc("data.add_item", data.AddItem, data.RecordAnswer, repeatable=True)
REPLACE_ITEM: Final = Rpc("data.replace_item", data.ReplaceItem, data.RecordAnswer, repeatable=True)
PATCH_ITEM: Final = Rpc("data.patch_item", data.PatchItem, data.RecordAnswer, repeatable=True)
DELETE_ITEM: Final = Rpc("data.delete_item", data.DeleteItem, data.Deleted, repeatable=True)
REPLACE_COLLECTION: Final = Rpc(
    "data.replace_collection", data.ReplaceCollection, data.ListHead, timeout_s=30.0, stream_of=data.Record
)
CLEAR_COLLECTION: Final = Rpc(
    "data.clear_collection", data.ClearCollection, data.Deleted, timeout_s=30.0, repeatable=True
)
TAKE_IDS: Final = Rpc("data.take_ids", data.TakeIds, data.TakenIds)
WRITE_TOGETHER: Final = Rpc("data.write_together", data.WriteTogether, Done, timeout_s=30.0)

# What background tasks leave behind for whoever waits for them.
GET_TASK_VALUES: Final = Rpc("data.get_task_values", tasks.GetTaskValues, tasks.TaskValues, repeatable=True)
PUT_TASK_VALUE: Final = Rpc("data.put_task_value", tasks.PutTaskValue, Done, repeatable=True)
COUNT_TASK_VALUE: Final = Rpc("data.count_task_value", tasks.CountTaskValue, tasks.TaskCount, repeatable=True)
DROP_TASK_VALUE: Final = Rpc("data.drop_task_value", tasks.DropTaskValue, Done, repeatable=True)

# Plugin configs.
LIST_CONFIGS: Final = Rpc("data.list_configs", data.ListConfigs, data.ListHead, stream_of=data.PluginConfig)
GET_CONFIG: Final = Rpc("data.get_config", data.GetConfig, data.PluginConfig, repeatable=True)
SET_ENABLED: Final = Rpc("data.set_enabled", data.SetEnabled, data.PluginConfig, repeatable=True)
SET_SETTINGS: Final = Rpc("data.set_settings", data.SetSettings, data.PluginConfig, repeatable=True)
SET_PLACEMENT: Final = Rpc("data.set_placement", data.SetPlacement, data.PluginConfig, repeatable=True)
DELETE_PLUGIN_CONFIG: Final = Rpc("data.delete_plugin_config", data.DeletePluginConfig, Done, timeout_s=30.0)

# Run history.
LIST_RUNS: Final = Rpc("data.list_runs", runs.ListRuns, runs.RunPage, repeatable=True)
GET_RUN: Final = Rpc("data.get_run", runs.GetRun, runs.Run, repeatable=True)
GET_RUN_LOG: Final = Rpc("data.get_run_log", runs.GetRunLog, runs.RunLog, repeatable=True)
CANCEL_RUN: Final = Rpc("data.cancel_run", runs.CancelRun, runs.CancelAnswer, repeatable=True)
GET_SIBLINGS: Final = Rpc("data.get_siblings", runs.GetSiblings, runs.Siblings, repeatable=True)
RETRY_RUN: Final = Rpc("data.retry_run", runs.RetryRun, runs.Retried)

# Schedules.
LIST_SCHEDULES: Final = Rpc("data.list_schedules", schedules.ListSchedules, schedules.SchedulePage)
GET_SCHEDULE: Final = Rpc("data.get_schedule", schedules.GetSchedule, schedules.StoredSchedule)
CREATE_SCHEDULE: Final = Rpc("data.create_schedule", schedules.CreateSchedule, schedules.StoredSchedule)
UPDATE_SCHEDULE: Final = Rpc("data.update_schedule", schedules.UpdateSchedule, schedules.StoredSchedule)
KEEP_SCHEDULE: Final = Rpc("data.keep_schedule", schedules.KeepSchedule, schedules.StoredSchedule)
DELETE_SCHEDULE: Final = Rpc("data.delete_schedule", schedules.DeleteSchedule, Done)
RUN_SCHEDULE: Final = Rpc("data.run_schedule", schedules.RunSchedule, schedules.ScheduleStarted)
LIST_TICKS: Final = Rpc("data.list_ticks", schedules.ListTicks, schedules.TickPage)

# Files.
ADD_FILE: Final = Rpc("data.add_file", files.AddFile, files.StoredFile)
GET_FILE: Final = Rpc("data.get_file", files.GetFile, files.StoredFile)
USE_FILES: Final = Rpc("data.use_files", files.UseFiles, files.UsedFiles)

# Users.
GET_SETUP: Final = Rpc("data.get_setup", users.GetSetup, users.Setup, repeatable=True)
CREATE_FIRST_ADMIN: Final = Rpc("data.create_first_admin", users.CreateFirstAdmin, users.User)
LOG_IN: Final = Rpc("data.log_in", users.LogIn, users.User)
GET_USER: Final = Rpc("data.get_user", users.GetUser, users.User, repeatable=True)
LIST_USERS: Final = Rpc("data.list_users", users.ListUsers, users.UserPage, repeatable=True)
CREATE_USER: Final = Rpc("data.create_user", users.CreateUser, users.User)
UPDATE_USER: Final = Rpc("data.update_user", users.UpdateUser, users.User)
DELETE_USER: Final = Rpc("data.delete_user", users.DeleteUser, Done)
CREATE_API_KEY: Final = Rpc("data.create_api_key", users.CreateApiKey, users.NewApiKey)
LIST_API_KEYS: Final = Rpc("data.list_api_keys", users.ListApiKeys, users.ApiKeyList, repeatable=True)
DELETE_API_KEY: Final = Rpc("data.delete_api_key", users.DeleteApiKey, Done)
AUTHENTICATE_API_KEY: Final = Rpc(
    "data.authenticate_api_key", users.AuthenticateApiKey, users.User, repeatable=True
)

CATALOG: Final[dict[str, AnyContract]] = {
    name: value
    for name, value in list(globals().items())
    if isinstance(value, Rpc | Stored | StoredEvent | Signal)
}
"""Constant's name → contract."""
