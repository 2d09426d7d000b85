"""What goes in and out over HTTP: the shapes that OpenAPI names."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.contracts.base import Name, Timestamp
from shared.contracts.data import Placement
from shared.contracts.manifest import Execution, Problem
from shared.contracts.ui import Action, FieldSpec, Navigation, NavigationItem, Page
from shared.contracts.users import (
    ApiKey,
    CreateFirstAdmin,
    CreateUser,
    GivenPassword,
    Level,
    Password,
    Username,
)


class In(BaseModel):
    """A body: unknown keys are ignored, since Dispatcharr's tools send some."""

    model_config = ConfigDict(extra="ignore")


class Success(BaseModel):
    success: Literal[True] = True


# Plugins


class PluginHome(BaseModel):
    executor: str
    site: str


class PluginItem(BaseModel):
    """A plugin as the list shows it; further keys of its `plugin.json` pass through."""

    model_config = ConfigDict(extra="allow")

    key: str
    name: str
    version: str
    description: str
    author: str
    help_url: str
    enabled: bool
    ever_enabled: bool
    fields: list[FieldSpec]
    settings: dict[str, JsonValue] = Field(
        description="Passwords masked; empty unless an administrator asks."
    )
    actions: list[Action]
    missing: bool
    trusted: bool
    loaded: bool
    legacy: bool
    logo_url: str | None
    source_repo: str | None
    source_repo_name: str | None
    is_official_repo: bool
    slug: str | None
    is_managed: bool
    installed_version_is_prerelease: bool
    update_available: bool
    latest_version: str | None
    deprecated: bool
    navigation: Navigation | None
    pages: dict[str, Page]
    digest: str | None
    errors: list[Problem]
    warnings: list[Problem]
    invalid: bool
    load_error: str | None
    execution: Execution
    executor: str | None
    home: PluginHome | None = Field(description="Where it lives; null where it runs on every executor.")
    placement: Placement = Field(description="What is in force: the operator's word, else the manifest's.")
    could_run_anywhere: bool = Field(
        description="Whether it runs at its home although nothing in its code seems to ask for that."
    )
    sandbox: str | None


class PluginList(BaseModel):
    plugins: list[PluginItem]


class NavigationList(Success):
    navigation: list[NavigationItem]


class PluginName(BaseModel):
    key: str
    name: str


class PageAnswer(Success):
    plugin: PluginName
    page_id: str
    page: Page


class Reloaded(Success):
    count: int


class EnabledBody(In):
    enabled: bool | int | str = Field(description="true, false, 1, 0, yes, no, on, off, y, n.")


class EnabledAnswer(Success):
    enabled: bool
    ever_enabled: bool
    plugin: PluginItem


class PlacementBody(In):
    placement: Placement | None = Field(description="Null leaves it to the plugin's manifest.")


class PlacementAnswer(Success):
    placement: Placement
    plugin: PluginItem


class SettingsBody(In):
    settings: dict[str, JsonValue] | None = Field(description="Replaces what is stored; null is {}.")


class SettingsAnswer(Success):
    settings: dict[str, JsonValue]


class ImportAnswer(Success):
    plugin: PluginItem
    was_managed: bool


class DeleteQuery(BaseModel):
    data: bool = Field(default=False, description="Delete the plugin's collections too.")


# Plugin data


class ItemsQuery(BaseModel):
    """`f.<field>[.op]=value` filters besides: eq, ne, lt, lte, gt, gte, in, contains, exists."""

    limit: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None
    offset: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    sort: Annotated[str, Field(max_length=2000)] | None = Field(
        default=None, description="Fields by commas, `-` before one for descending."
    )
    search: Annotated[str, Field(max_length=200)] | None = None


class Document(BaseModel):
    """A document of a collection."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    id: int = Field(alias="_id")


class ItemList(Success):
    data: list[Document]
    total: int


class ItemAnswer(Success):
    data: Document


class Cleared(Success):
    deleted_count: int


# Accounts


class SetupState(BaseModel):
    needed: bool


class SetupBody(CreateFirstAdmin):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SuperuserBody(SetupBody):
    email: str | None = Field(default=None, description="Taken, and not kept.")


class WsTicket(BaseModel):
    ticket: str
    expires_in_s: float


class SuperuserExists(BaseModel):
    superuser_exists: bool


class LogInBody(In):
    username: Annotated[str, Field(max_length=150)]
    password: GivenPassword


class TokenPair(BaseModel):
    access: str
    refresh: str


class RefreshBody(In):
    refresh: Annotated[str, Field(max_length=8192)]


class User(BaseModel):
    """Somebody who may log in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    username: str
    level: Level
    active: bool
    created_at: Timestamp
    last_login: Timestamp | None


class UserList(Success):
    users: list[User]
    total: int


class PageQuery(BaseModel):
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    offset: Annotated[int, Field(ge=0, le=2**62)] = 0


class CreateUserBody(CreateUser):
    model_config = ConfigDict(extra="ignore", frozen=True)


class UpdateUserBody(In):
    username: Username | None = None
    password: Password | None = None
    level: Level | None = None
    active: bool | None = None


class OwnPasswordBody(In):
    current_password: GivenPassword
    password: Password


class KeysQuery(BaseModel):
    user_id: Name | None = Field(default=None, description="Whose; another's only for administrators.")
    all: bool = Field(default=False, description="Everybody's, for administrators.")


class KeyList(Success):
    keys: list[ApiKey]


class CreateKeyBody(In):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    user_id: Name | None = Field(default=None, description="Whose; another's only for administrators.")


class KeyCreated(Success):
    key: ApiKey
    secret: str = Field(description="The whole key, shown this once.")


# Probes


class Alive(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    status: Literal["ok", "unready"]
    checks: dict[str, str]
