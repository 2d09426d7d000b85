"""Users, their levels, log-in and API keys. Password hashes and key hashes never leave the data service."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.base import Answer, Command, Timestamp

Level = Literal["viewer", "user", "admin"]
LEVELS: tuple[Level, ...] = ("viewer", "user", "admin")
"""In rising order of right."""
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@+-]{1,150}$")]
Password = Annotated[str, Field(min_length=8, max_length=128)]
GivenPassword = Annotated[str, Field(max_length=1024)]
"""A password as somebody typed it: not held to the rules for new ones."""


class User(Answer):
    id: str
    username: str
    level: Level
    active: bool = True
    token_version: int = 0
    """Raised by a change of password, level or activity: tokens of an older version are refused."""
    created_at: Timestamp
    last_login: Timestamp | None = None


class GetSetup(Command):
    pass


class Setup(Answer):
    needed: bool
    """Whether no administrator exists yet."""


class CreateFirstAdmin(Command):
    username: Username
    password: Password = Field(repr=False)


class LogIn(Command):
    username: Annotated[str, Field(max_length=150)]
    password: GivenPassword = Field(repr=False)
    address: Annotated[str, Field(max_length=64)]
    """Where the attempt comes from: attempts are limited by address and by name."""


class GetUser(Command):
    id: str


class ListUsers(Command):
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    offset: Annotated[int, Field(ge=0)] = 0


class UserPage(Answer):
    users: tuple[User, ...]
    total: int


class CreateUser(Command):
    username: Username
    password: Password = Field(repr=False)
    level: Level = "user"


class UpdateUser(Command):
    """Absent fields stay. The last active administrator can be neither demoted, deactivated nor deleted."""

    id: str
    username: Username | None = None
    password: Password | None = Field(default=None, repr=False)
    level: Level | None = None
    active: bool | None = None


class DeleteUser(Command):
    id: str


class ApiKey(Answer):
    id: str
    user_id: str
    name: str
    prefix: str
    """The key's first eight characters, so that people can tell keys apart."""
    created_at: Timestamp
    last_used: Timestamp | None = None


class CreateApiKey(Command):
    user_id: str
    name: Annotated[str, Field(min_length=1, max_length=100)]


class NewApiKey(Answer):
    key: ApiKey
    secret: str = Field(repr=False)
    """The whole key, shown this once."""


class ListApiKeys(Command):
    user_id: str | None = None


class ApiKeyList(Answer):
    keys: tuple[ApiKey, ...]


class DeleteApiKey(Command):
    id: str
    user_id: str | None = None
    """Only if it is that user's."""


class AuthenticateApiKey(Command):
    secret: GivenPassword = Field(repr=False)
