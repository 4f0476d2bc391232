"""`skipass mcp stdio`: a slug for MCP clients that start a program instead of calling an address."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Annotated, BinaryIO

import typer

from skipass.cli import environment
from skipass.cli.client import checked_url, current_url
from skipass.cli.failures import Refusal
from skipass.cli.options import IdentifierOption
from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.tools.snippets import mcp_url

app = typer.Typer(help="MCP clients on this machine.", no_args_is_help=True)
LONGEST_LINE = 16 << 20


@app.callback()
def mcp() -> None:
    """MCP clients on this machine."""


@app.command()
def stdio(
    slug: Annotated[str, typer.Option("--slug", help="The MCP server to reach.")],
    url: Annotated[str | None, typer.Option("--url", help="The gateway's address, if not the current one.")] = None,
    identifier: IdentifierOption = None,
) -> None:
    """Carry MCP between standard input and output and a slug, for clients without HTTP; ends when its input does.

    Comes by the key in SKIPASS_API_KEY. Failures on the way go to the client as answers, remarks to standard error.
    """
    base_url, key = checked_url(url) if url else current_url(), environment.api_key()
    if key is None:
        hint = "Clients that speak HTTP sign their user in by themselves: skipass agent config --sign-in"
        raise SkipassError("unauthenticated", "SKIPASS_API_KEY holds no agent's key.", hint)
    with suppress(KeyboardInterrupt):
        asyncio.run(_carry(mcp_url(base_url, slug), key, identifier))


async def _carry(address: str, bearer: Secret[str], identifier: str | None) -> None:
    from skipass.cli.stdio.bridge import Bridge
    from skipass.cli.stdio.way import Way, session

    me = asyncio.current_task()

    async def write(line: bytes) -> None:
        try:
            _write(line + b"\n")
        except OSError:
            # Nobody reads any more: there is nothing left to carry.
            _ = me.cancel() if me else None

    with suppress(asyncio.CancelledError):
        async with session() as http:
            await Bridge(Way(http, address, bearer, identifier), write).run(_lines(sys.stdin.buffer))


def _write(content: bytes) -> None:
    """Write to standard output itself: what fails must not be tried again when the program ends."""
    view = memoryview(content)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


async def _lines(stream: BinaryIO) -> AsyncIterator[bytes]:
    """Yield lines as they come. A thread reads them: so any kind of input can be read, and none holds up the end."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[bytes](16)

    def read() -> None:
        line = b"-"
        while line:
            line = stream.readline(LONGEST_LINE + 1)
            try:
                asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()
            except (RuntimeError, CancelledError):
                return

    threading.Thread(target=read, daemon=True).start()
    while line := await queue.get():
        if len(line) > LONGEST_LINE:
            raise Refusal("invalid_request", f"A line is longer than {LONGEST_LINE} bytes.")
        yield line
