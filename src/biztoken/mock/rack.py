"""Many mocks behind one port: the first segment of the path names the faults and variations that one has."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from typing import Any

from biztoken.errors import UserError
from biztoken.mock.app import App
from biztoken.mock.wire import Receive, Send

_MOST_APPS = 1024  # each keeps what it has seen; the one that was asked least recently goes first


class Rack:
    """An ASGI application that hands `/NAME/path` to the mock of that name as `/path`.

    `make` makes the mock of a name, or raises UserError where there is none. Other paths go to `plain`, without faults.
    """

    def __init__(self, plain: App, make: Callable[[str], App]) -> None:
        self.plain = plain
        self._make = make
        self._apps: OrderedDict[str, App] = OrderedDict()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        name, slash, rest = scope.get("path", "").removeprefix("/").partition("/")
        app = self._app(name) if slash else None
        if app is None:
            await self.plain(scope, receive, send)
        else:
            await app({**scope, "path": f"/{rest}"}, receive, send)

    def _app(self, name: str) -> App | None:
        app = self._apps.get(name)
        if app is None:
            try:
                app = self._apps[name] = self._make(name)
            except UserError:
                return None
            if len(self._apps) > _MOST_APPS:
                self._apps.popitem(last=False)
        self._apps.move_to_end(name)
        return app
