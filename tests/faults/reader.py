"""Reads over HTTP as any client would: logs in once, and asks again where it is told to."""

import asyncio
import time
from typing import Any, Final, Self

import httpx

from tests.e2e.platform import ADMIN

_LATER: Final = frozenset({401, 429, 502, 503, 504})
_ASK_AGAIN_S: Final = 0.5
_PAGE: Final = 1000


class Reader:
    """A client that is patient."""

    def __init__(self, url: str, patience_s: float) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=30)
        self._patience_s = patience_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """What a path answers; None where there is nothing. Raises AssertionError for any other answer."""
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                answer = await self._http.get(path, params=query)
                if answer.status_code == 401:
                    answer = await self._logged_in()
                elif answer.status_code not in _LATER:
                    assert answer.status_code in {200, 404}, answer.text
                    return answer.json() if answer.status_code == 200 else None
                said = answer.text
            except httpx.TransportError as error:
                said = f"{type(error).__name__}: {error}"
            assert time.monotonic() < deadline, f"{path} was not answered: {said}"
            await asyncio.sleep(_ASK_AGAIN_S)

    async def runs(self) -> list[dict[str, Any]]:
        """The whole history."""
        runs: list[dict[str, Any]] = []
        while True:
            page = (await self.get("/api/runs/", limit=_PAGE, offset=len(runs), sort="created_at"))["runs"]
            runs += page
            if len(page) < _PAGE:
                return runs

    async def _logged_in(self) -> httpx.Response:
        body = {"username": ADMIN[0], "password": ADMIN[1]}
        answer = await self._http.post("/api/accounts/token/", json=body)
        if answer.status_code == 200:
            self._http.headers["Authorization"] = f"Bearer {answer.json()['access']}"
        return answer
