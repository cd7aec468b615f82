"""Requests that the server refuses before Gradio sees them."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEBIBYTE = 2**20


class NoDownloads:
    """Middleware that refuses to fetch URLs, which Gradio does for any client."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by the ASGI protocol."""
        if re.search(r'/(file|proxy)=/*https?:', scope.get('path', ''), re.IGNORECASE):
            await _refuse(send, 403, 'URLs are not fetched')
        else:
            await self.app(scope, receive, send)


class MaxBody:
    """Middleware that limits whole requests; Gradio limits each file of an upload.

    Args:
        app: The application.
        megabytes: Maximum size of a file.
    """

    def __init__(self, app: ASGIApp, megabytes: int) -> None:
        self.app = app
        self.megabytes = megabytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by the ASGI protocol."""
        left = (self.megabytes + 1) * MEBIBYTE  # the file, and what is around it
        if _length(scope) > left:
            message = f'the request is larger than {self.megabytes} MB'
            await _refuse(send, 413, f'{message}, the limit of this server')
            return

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get('body', b''))
            # a client that does not say how much it sends
            return message if left >= 0 else {'type': 'http.disconnect'}

        await self.app(scope, counted, send)


def _length(scope: Scope) -> int:
    headers: Mapping[bytes, bytes] = dict(scope.get('headers', ()))
    return int(headers.get(b'content-length', 0))


async def _refuse(send: Send, status: int, message: str) -> None:
    start: dict[str, Any] = {'type': 'http.response.start', 'status': status}
    await send(start)
    await send({'type': 'http.response.body', 'body': message.encode()})
