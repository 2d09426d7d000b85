"""Logging in, the first administrator, and oneself."""

import orjson
from starlette.responses import Response

from services.gateway import schemas
from services.gateway.accounts import AccountService
from services.gateway.calls import Call, json_response
from services.gateway.operations import Operations

_NOT_KEPT = {"Cache-Control": "no-store"}


def operations(accounts: AccountService) -> Operations:
    """The operations on one's own account."""
    ops = Operations("accounts")

    @ops(
        "POST",
        "/api/accounts/token/",
        "obtain_token",
        {200: schemas.TokenPair},
        problems=(400, 401, 429),
        body=schemas.LogInBody,
        examples={"administrator": {"username": "admin", "password": "correct horse"}},
    )
    async def obtain_token(call: Call) -> Response:
        """Log in: a JWT for half an hour, and one for refreshing it for a day."""
        body = await call.body(schemas.LogInBody)
        pair = await accounts.log_in(body.username, body.password, address_of(call))
        return json_response(orjson.dumps(pair), headers=_NOT_KEPT)

    @ops(
        "POST",
        "/api/accounts/token/refresh/",
        "refresh_token",
        {200: schemas.TokenPair},
        problems=(400, 401),
        body=schemas.RefreshBody,
    )
    async def refresh_token(call: Call) -> Response:
        """Get new tokens for a refresh token; for at most 30 days after logging in."""
        body = await call.body(schemas.RefreshBody)
        return json_response(orjson.dumps(await accounts.refresh(body.refresh)), headers=_NOT_KEPT)

    @ops("GET", "/api/setup/", "get_setup", {200: schemas.SetupState})
    async def get_setup(_call: Call) -> Response:
        """Tell whether the first administrator is still to be made."""
        return json_response(orjson.dumps({"needed": await accounts.setup_needed()}), headers=_NOT_KEPT)

    @ops(
        "POST",
        "/api/setup/",
        "create_first_administrator",
        {201: schemas.User},
        problems=(400, 409),
        body=schemas.SetupBody,
        examples={"administrator": {"username": "admin", "password": "correct horse"}},
    )
    async def create_first_administrator(call: Call) -> Response:
        """Make the first administrator; 409 as soon as there is one."""
        body = await call.body(schemas.SetupBody)
        user = await accounts.create_first(body.username, body.password)
        return json_response(schemas.User.model_validate(user).model_dump_json().encode(), 201)

    @ops(
        "GET",
        "/api/accounts/initialize-superuser/",
        "get_superuser_exists",
        {200: schemas.SuperuserExists},
    )
    async def get_superuser_exists(_call: Call) -> Response:
        """Tell whether there is an administrator, as Dispatcharr's tools ask it."""
        exists = not await accounts.setup_needed()
        return json_response(orjson.dumps({"superuser_exists": exists}), headers=_NOT_KEPT)

    @ops(
        "POST",
        "/api/accounts/initialize-superuser/",
        "initialize_superuser",
        {200: schemas.SuperuserExists},
        problems=(400, 409),
        body=schemas.SuperuserBody,
    )
    async def initialize_superuser(call: Call) -> Response:
        """Make the first administrator, as Dispatcharr's tools ask for it."""
        body = await call.body(schemas.SuperuserBody)
        await accounts.create_first(body.username, body.password)
        return json_response(b'{"superuser_exists":true}')

    @ops("GET", "/api/accounts/users/me/", "get_current_user", {200: schemas.User})
    async def get_current_user(call: Call) -> Response:
        """Get oneself."""
        return json_response(schemas.User.model_validate(call.user).model_dump_json().encode())

    @ops(
        "POST",
        "/api/accounts/users/me/password/",
        "change_own_password",
        {200: schemas.Success},
        problems=(400, 429),
        body=schemas.OwnPasswordBody,
    )
    async def change_own_password(call: Call) -> Response:
        """Change one's own password; every token of before is refused then."""
        body = await call.body(schemas.OwnPasswordBody)
        await accounts.change_own_password(call.user, body.current_password, body.password, address_of(call))
        return json_response(b'{"success":true}')

    return ops


def address_of(call: Call) -> str:
    """Where the request comes from; behind a proxy that is believed, where it came from before."""
    client = call.request.client
    return client.host if client else "unknown"
