"""Administering users, and API keys."""

import orjson
from starlette.responses import Response

from services.gateway import schemas
from services.gateway.accounts import AccountService
from services.gateway.calls import Call, json_response
from services.gateway.operations import Operations
from shared.contracts.users import CreateUser, UpdateUser
from shared.contracts.users import User as StoredUser


def operations(accounts: AccountService) -> Operations:
    """The operations on users and API keys."""
    ops = Operations("users")

    @ops("GET", "/api/accounts/users/", "list_users", {200: schemas.UserList}, query=schemas.PageQuery)
    async def list_users(call: Call) -> Response:
        """List users."""
        query = call.query(schemas.PageQuery)
        page = await accounts.list_users(query.limit, query.offset)
        shown = [_shown(user) for user in page.users]
        body = b'{"success":true,"users":[' + b",".join(shown) + b'],"total":%d}' % page.total
        return json_response(body, headers={"X-Total-Count": str(page.total)})

    @ops(
        "POST",
        "/api/accounts/users/",
        "create_user",
        {201: schemas.User},
        problems=(400, 409),
        body=schemas.CreateUserBody,
        examples={"viewer": {"username": "alice", "password": "correct horse", "level": "viewer"}},
    )
    async def create_user(call: Call) -> Response:
        """Make a user."""
        body = await call.body(schemas.CreateUserBody)
        command = CreateUser(username=body.username, password=body.password, level=body.level)
        return json_response(_shown(await accounts.create_user(command)), 201)

    @ops("GET", "/api/accounts/users/{id}/", "get_user", {200: schemas.User}, problems=(404,))
    async def get_user(call: Call) -> Response:
        """Get a user."""
        return json_response(_shown(await accounts.get_user(call.name("id"))))

    @ops(
        "PATCH",
        "/api/accounts/users/{id}/",
        "update_user",
        {200: schemas.User},
        problems=(400, 404, 409),
        body=schemas.UpdateUserBody,
    )
    async def update_user(call: Call) -> Response:
        """Change a user; what is left out stays.

        The last active administrator can be neither demoted nor deactivated.
        """
        body = await call.body(schemas.UpdateUserBody)
        command = UpdateUser(id=call.name("id"), **body.model_dump(exclude_none=True))
        return json_response(_shown(await accounts.update_user(command)))

    @ops("DELETE", "/api/accounts/users/{id}/", "delete_user", {200: schemas.Success}, problems=(404, 409))
    async def delete_user(call: Call) -> Response:
        """Delete a user, but for the last active administrator."""
        await accounts.delete_user(call.name("id"))
        return json_response(b'{"success":true}')

    @ops("GET", "/api/accounts/api-keys/", "list_api_keys", {200: schemas.KeyList}, query=schemas.KeysQuery)
    async def list_api_keys(call: Call) -> Response:
        """List one's API keys, never their secrets."""
        query = call.query(schemas.KeysQuery)
        found = await accounts.list_keys(call.user, user_id=query.user_id, everybody=query.all)
        return json_response(b'{"success":true,' + found.model_dump_json().encode()[1:])

    @ops(
        "POST",
        "/api/accounts/api-keys/",
        "create_api_key",
        {201: schemas.KeyCreated},
        problems=(400, 404),
        body=schemas.CreateKeyBody,
        examples={"script": {"name": "backup script"}},
    )
    async def create_api_key(call: Call) -> Response:
        """Make an API key; its secret is shown this once."""
        body = await call.body(schemas.CreateKeyBody)
        made = await accounts.create_key(call.user, body.name, body.user_id)
        answer = {"success": True, "key": made.key.model_dump(mode="json"), "secret": made.secret}
        return json_response(orjson.dumps(answer), 201, {"Cache-Control": "no-store"})

    @ops("DELETE", "/api/accounts/api-keys/{id}/", "delete_api_key", {200: schemas.Success}, problems=(404,))
    async def delete_api_key(call: Call) -> Response:
        """Delete an API key."""
        await accounts.delete_key(call.user, call.name("id"))
        return json_response(b'{"success":true}')

    return ops


def _shown(user: StoredUser) -> bytes:
    return schemas.User.model_validate(user).model_dump_json().encode()
