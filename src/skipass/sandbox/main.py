"""Runs the sandbox as a process: builds the account, listens on loopback, says where, and stops cleanly."""

from __future__ import annotations

import json
import logging
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from skipass.sandbox.account import Account
from skipass.sandbox.app import Sandbox, create_app
from skipass.sandbox.world import DEFAULT_ACCOUNT, UserFile, build_account, write_keys

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: port 0 picks a free one, `scale` 0 leaves TPC-H out."""

    port: int = 0
    bare: bool = False
    format: str = "table"
    data_dir: Path | None = None
    account: str = DEFAULT_ACCOUNT
    scale: float = 0.01


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((HOST, port))
    return found


def announcement(account: Account, url: str, users: list[UserFile], token: str) -> dict[str, Any]:
    """Return the object that a program reads to use this sandbox."""
    return {
        "account": account.identifier,
        "account_url": url,
        "host": url.removeprefix("http://"),
        "users": [user.as_json() for user in users],
        "control_url": f"{url}/control",
        "control_token": token,
    }


class Server(uvicorn.Server):
    """A server that tells when it is ready, and that a signal stops without ending the process before its clean-up."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving, then say so."""
        await super().startup(sockets=sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as a wish to stop, in the main thread; elsewhere signals are somebody else's."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        wished = (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.signal(one, self.handle_exit) for one in wished}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def server_config(app: Sandbox) -> uvicorn.Config:
    """Return how uvicorn serves the application: quietly, and without waiting for hung requests at the end."""
    return uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1, server_header=False)


def serve(options: Options) -> None:
    """Serve until SIGINT or SIGTERM; the first line on stdout says where."""
    # The parser warns on stderr of what the answer says anyway.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    with ExitStack() as stack:
        keys = options.data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skipass-sandbox-")))
        account = build_account(options.account, bare=options.bare, scale=options.scale)
        stack.callback(account.engine.close)
        users = write_keys(account, keys / "keys")
        app = create_app(account)
        sock = stack.enter_context(listen(options.port))
        url = f"http://{HOST}:{sock.getsockname()[1]}"
        said = announcement(account, url, users, app.control.token)
        show = _print_json if options.format == "json" else _print_text
        Server(server_config(app), lambda: show(said)).run(sockets=[sock])


def _print_json(said: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _print_text(said: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    console.print(f"Sandbox account [bold]{said['account']}[/bold] at {said['account_url']}", soft_wrap=True)
    for user in said["users"]:
        line = f"  user {user['name']} ({user['default_role']}), private key {user['private_key_path']}"
        console.print(line, soft_wrap=True, highlight=False)
    console.print("Stop it with Ctrl-C.")
