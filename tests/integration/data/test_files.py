"""Files are one plugin's, kept while something names them, and dropped with their content after that."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from services.data.main import App
from services.data.models import utc
from services.data.repository.configs import Configs
from services.data.repository.files import Files
from services.data.repository.mongo import Database
from services.data.service.files import FileService
from shared import errors
from shared.contracts import catalog as c
from shared.contracts import files as m
from shared.contracts.base import JsonObject, new_id
from shared.contracts.data import DeletePluginConfig, SetSettings
from shared.contracts.streams import FILES
from shared.messaging.bus import Bus
from shared.messaging.objects import CHUNK_BYTES, Objects
from tests.integration.data.schedules_talk import make
from tests.integration.data.talk import add

BusOf = Callable[[str], Awaitable[Bus]]


@pytest.fixture
async def stored(mongo_url: str) -> AsyncIterator[Database]:
    database = Database(mongo_url, timeout_s=5, bulk_timeout_s=5)
    await database.wait_ready()
    yield database
    database.close()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def upload(gateway: Bus, content: bytes = b"hello", plugin: str | None = None) -> m.StoredFile:
    file_id = new_id()
    size = await Objects(gateway, FILES).put_as(file_id, chunks(content))
    command = m.AddFile(id=file_id, name="a.txt", size=size, type="text/plain", plugin=plugin)
    return await gateway.request(c.ADD_FILE, command)


def value(file: m.StoredFile) -> JsonObject:
    return file.value.model_dump()


async def known(gateway: Bus, file: m.StoredFile) -> bool:
    try:
        await gateway.request(c.GET_FILE, m.GetFile(id=file.id))
    except errors.NotFound:
        return False
    return True


def sweeper(data: App) -> FileService:
    duty = next(duty for duty in data._duties if type(duty).__name__ == "Filing")
    service: FileService = duty._files  # type: ignore[attr-defined]
    return service


def sweeper_of(data: App, stored: Database, files: Files) -> FileService:
    return FileService(files=files, configs=Configs(stored), contents=Objects(data.bus, FILES), kept_days=30)


async def expire(stored: Database, *files: m.StoredFile) -> None:
    ids = [file.id for file in files]
    await stored.collection("files").update_many(
        {"_id": {"$in": ids}}, {"$set": {"keep_until": utc(time.time() - 1)}}
    )


async def test_a_file_is_the_first_plugins_that_gets_it(gateway: Bus, plugin: str) -> None:
    file = await upload(gateway)
    gone = new_id()
    used = await gateway.request(c.USE_FILES, m.UseFiles(plugin=plugin, ids=(file.id, gone)))
    assert [one.id for one in used.files] == [file.id]
    assert [(one.id, one.reason) for one in used.refused] == [
        (gone, "there is no such file: upload it again")
    ]
    assert (await gateway.request(c.GET_FILE, m.GetFile(id=file.id, plugin=plugin))).name == "a.txt"
    with pytest.raises(errors.NotFound):
        await gateway.request(c.GET_FILE, m.GetFile(id=file.id, plugin="another"))
    used = await gateway.request(c.USE_FILES, m.UseFiles(plugin="another", ids=(file.id,)))
    assert used.files == ()
    assert repr(plugin) in used.refused[0].reason


async def test_what_nothing_names_is_dropped_and_what_something_names_is_kept(
    data: App, gateway: Bus, plugin: str, stored: Database
) -> None:
    files = [await upload(gateway, plugin=plugin) for _ in range(5)]
    in_settings, in_schedule, in_data, fresh, unnamed = files
    settings: JsonObject = {"logo": value(in_settings)}
    await gateway.request(c.SET_SETTINGS, SetSettings(key=plugin, settings=settings))
    await make(gateway, plugin, cron="@yearly", params={"rows": [{"file": value(in_schedule)}]})
    await add(gateway, {"attached": [value(in_data)]}, plugin=plugin)
    nobodys = await upload(gateway)
    await expire(stored, in_settings, in_schedule, in_data, unnamed, nobodys)
    assert await sweeper(data).sweep() == 2
    assert [await known(gateway, file) for file in (*files, nobodys)] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    contents = Objects(gateway, FILES)
    assert await contents.get(in_data.id) == b"hello"
    assert await contents.digest(fresh.id) is not None
    for file in (unnamed, nobodys):
        with pytest.raises(errors.NotFound):
            await contents.get(file.id)
    # Named no longer, it goes too, once it is looked at again.
    await gateway.request(c.SET_SETTINGS, SetSettings(key=plugin, settings={}))
    await expire(stored, in_settings)
    assert await sweeper(data).sweep() == 1
    assert not await known(gateway, in_settings)


async def test_a_plugin_deleted_with_its_data_leaves_no_files(data: App, gateway: Bus, plugin: str) -> None:
    file = await upload(gateway, plugin=plugin)
    await gateway.request(c.SET_SETTINGS, SetSettings(key=plugin, settings={"logo": value(file)}))
    await gateway.request(c.DELETE_PLUGIN_CONFIG, DeletePluginConfig(key=plugin, with_data=True))
    assert await sweeper(data).sweep() == 1
    assert not await known(gateway, file)


async def test_a_file_that_comes_into_use_while_it_is_looked_for_is_kept(
    data: App, gateway: Bus, plugin: str, stored: Database
) -> None:
    class Used(Files):
        async def named_by(self, plugin: str, ids: set[str]) -> set[str]:
            named = await super().named_by(plugin, ids)
            # Too late to be found, and not too late to be kept.
            await gateway.request(c.USE_FILES, m.UseFiles(plugin=plugin, ids=(used.id,)))
            return named

    used, unused = [await upload(gateway, plugin=plugin) for _ in range(2)]
    await expire(stored, used, unused)
    assert await sweeper_of(data, stored, Used(stored)).sweep() == 1
    assert [await known(gateway, file) for file in (used, unused)] == [True, False]
    assert await Objects(gateway, FILES).get(used.id) == b"hello"


async def test_a_plugin_that_is_not_looked_through_in_time_costs_no_other_its_sweep(
    data: App, gateway: Bus, plugin: str, stored: Database
) -> None:
    class Slow(Files):
        async def named_by(self, plugin: str, ids: set[str]) -> set[str]:
            if plugin in slow:
                raise errors.TimedOut("too much data")
            return await super().named_by(plugin, ids)

    slow = {"a large one", "z large one"}
    unsure = [await upload(gateway, plugin=one) for one in sorted(slow)]
    unnamed = await upload(gateway, plugin=plugin)
    await expire(stored, *unsure, unnamed)
    assert await sweeper_of(data, stored, Slow(stored)).sweep() == 1
    assert [await known(gateway, file) for file in (*unsure, unnamed)] == [True, True, False]
    # Not asked again before tomorrow.
    assert await Files(stored).expired(time.time() + 3600, 10) == []


async def test_uploads_that_never_became_known_or_whole_are_dropped(
    data: App, gateway: Bus, stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = Objects(gateway, FILES)
    unknown = new_id()
    await contents.put_as(unknown, chunks(b"nobody says what this is"))

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * (3 * CHUNK_BYTES)
        raise ConnectionAbortedError

    unfinished = await Objects(data.bus, FILES)._subjects("$O.files.C.>")
    with pytest.raises(ConnectionAbortedError):
        await contents.put_as(new_id(), broken())
    [left] = set(await Objects(data.bus, FILES)._subjects("$O.files.C.>")) - set(unfinished)
    kept = await upload(gateway, b"y" * (2 * CHUNK_BYTES))
    service = sweeper(data)
    assert await service.sweep() == 0
    # A day later.
    monkeypatch.setattr("services.data.service.files._UNKNOWN_S", -10.0)
    assert await service.sweep() >= 2
    assert await contents.digest(unknown) is None
    assert left not in await Objects(data.bus, FILES)._subjects("$O.files.C.>")
    assert await contents.get(kept.id) == b"y" * (2 * CHUNK_BYTES)
    assert await Files(stored).known([kept.id, unknown]) == {kept.id}


async def test_a_content_is_stored_in_pieces_and_read_back_piece_by_piece(gateway: Bus, data: App) -> None:
    contents = Objects(gateway, FILES)
    whole = bytes(range(256)) * 5000
    name = new_id()
    assert await contents.put_as(name, chunks(whole[:100], whole[100:700_000], whole[700_000:])) == len(whole)
    assert await contents.get(name) == whole
    found, after = b"", 0
    while True:
        piece, after = await contents.piece(name, after)
        if not piece:
            break
        found += piece
    assert found == whole
    empty = new_id()
    assert await contents.put_as(empty, chunks()) == 0
    assert await contents.get(empty) == b""
    with pytest.raises(errors.TooLarge):
        await contents.put_as(new_id(), chunks(*[b"z" * (33 * 1024 * 1024)] * 2))
