"""Cut what streams out of a gateway that lost its database: it can no longer hear that a session was revoked.

Large bodies leave in pieces, and before each one the journal is asked. A cut answer is short of the length it
announced, and its connection is closed: it never looks finished.
"""

from __future__ import annotations

from collections.abc import Callable

from skipass.surfaces.edge.asgi import App, Message, Receive, Scope, Send

PIECE_BYTES = 64 * 1024


class _OutOfTouchError(Exception):
    """The rest of this answer stays here."""


class InTouch:
    """Serves `app` while `in_touch` says so; an answer that has begun ends where it stands."""

    def __init__(self, app: App, in_touch: Callable[[], bool]) -> None:
        self._app, self._in_touch = app, in_touch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] != "http.response.body":
                await send(message)
                return
            body, more = message.get("body", b""), message.get("more_body", False)
            for at in range(0, max(len(body), 1), PIECE_BYTES):
                if begun and not self._in_touch():
                    raise _OutOfTouchError
                last = at + PIECE_BYTES >= len(body)
                begun = True
                piece = body[at : at + PIECE_BYTES]
                await send({"type": "http.response.body", "body": piece, "more_body": more or not last})

        try:
            await self._app(scope, receive, sending)
        except _OutOfTouchError:
            return  # the server closes the connection of an answer that was not completed
