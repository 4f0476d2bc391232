"""Runs the sandbox as a process: builds the account, listens on loopback, says where, and stops cleanly."""

from __future__ import annotations

import json
import logging
import os
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

from skipass.sandbox import demoaccess, store, tls
from skipass.sandbox.account import Account
from skipass.sandbox.app import Sandbox, create_app
from skipass.sandbox.idp.model import Directory
from skipass.sandbox.world import DEFAULT_ACCOUNT, UserFile, admit, build_account, open_account, write_keys

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: port 0 picks a free one, `scale` 0 leaves TPC-H out, `data_dir` None forgets everything at the end.

    `host_names` are further names of this machine that mean the account; `redirect_uris` those of the demo's client.
    """

    port: int = 0
    bare: bool = False
    format: str = "table"
    data_dir: Path | None = None
    account: str = DEFAULT_ACCOUNT
    scale: float = 0.01
    tls: bool = False
    host_names: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback."""
    # Naming the protocol is what lets asyncio turn Nagle's algorithm off; without, each answer waits 40 ms for an ACK.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((HOST, port))
    return found


def certificate(folder: Path, account: Account, host_names: tuple[str, ...] = ()) -> tls.Files:
    """Return the files of TLS for every name that the account has on this machine."""
    own = account.identifier.lower().replace("_", "-")
    names = (account.host, f"{own}.localhost", "idp.localhost", *host_names)
    files = tls.prepared(folder / "tls", names, account.clock.now())
    account.keys.trust = files.client_context()
    return files


def announcement(app: Sandbox, url: str, users: list[UserFile], files: tls.Files | None = None) -> dict[str, Any]:
    """Return the object that a program reads to use this sandbox; members of what is not there are left out."""
    account = next(iter(app.accounts.values()))
    said: dict[str, Any] = {
        "account": account.identifier,
        "account_url": url,
        "host": url.partition("://")[2],
        "users": [user.as_json() for user in users],
        "idp": _provider(app, users),
        "control_url": f"{url}/control",
        "control_token": app.control.token,
    }
    if files is not None:
        said["ca_file"] = str(files.ca)
    one = account.sign_in.integrations.get(demoaccess.INTEGRATION)
    if one is not None:
        said["oauth_client"] = {"client_id": one.client_id, "client_secret": one.secret, "integration": one.name}
    at = demoaccess.MCP_SERVER
    schema = account.catalog.schema(at.parent)
    if schema is not None and ("MCP SERVER", at.name) in schema.objects:
        said["mcp_server"] = {"database": at.database, "schema": at.schema, "name": at.name}
    return said


def _provider(app: Sandbox, users: list[UserFile]) -> dict[str, Any]:
    directory = app.provider.directory
    client = next(iter(directory.clients.values()))
    return {
        "issuer": app.provider.issuer(demoaccess.SERVER),
        "client_id": client.id,
        "client_secret": client.secret,
        "users": admit(directory, users),
    }


def settle(app: Sandbox, url: str) -> None:
    """Tell the provider where it is, and the first account whom to trust; comes before the first request."""
    app.provider.base = url
    demoaccess.trust(next(iter(app.accounts.values())), app.provider.issuer(demoaccess.SERVER))


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


def server_config(app: Sandbox, files: tls.Files | None = None) -> uvicorn.Config:
    """Return how uvicorn serves the application: quietly, and without waiting for hung requests at the end."""
    return uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=1,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=files.chain if files else None,
        ssl_keyfile=files.key if files else None,
    )


def serve(options: Options) -> None:
    """Serve until SIGINT or SIGTERM; the first line on stdout says where."""
    # The parser warns on stderr of what the answer says anyway.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    with ExitStack() as stack:
        folder, account, directory = _account(options, stack)
        users = write_keys(account, folder / "keys")
        app = create_app(account, directory=directory, names=options.host_names)
        files = certificate(folder, account, options.host_names) if options.tls else None
        sock = stack.enter_context(listen(options.port))
        url = f"{'https' if files else 'http'}://{HOST}:{sock.getsockname()[1]}"
        settle(app, url)
        said = announcement(app, url, users, files)
        account.save()
        show = _print_json if options.format == "json" else _print_text
        Server(server_config(app, files), lambda: show(said)).run(sockets=[sock])


def _account(options: Options, stack: ExitStack) -> tuple[Path, Account, Directory | None]:
    """Return the folder, the account and its provider: kept ones, new ones that will be, or ones that will not."""

    def make(rows: Path | None) -> Account:
        return build_account(
            options.account, bare=options.bare, scale=options.scale, redirect_uris=options.redirect_uris, rows=rows
        )

    directory = None
    if options.data_dir is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skipass-sandbox-")))
        account = make(None)
    else:
        folder = options.data_dir
        try:
            stack.callback(os.close, store.locked(folder))
        except BlockingIOError:
            raise SystemExit(f"{folder} is in use by another sandbox") from None
        account, directory = open_account(folder, make)
    stack.callback(account.engine.close)
    return folder, account, directory


def _print_json(said: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _print_text(said: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    console.print(f"Sandbox account [bold]{said['account']}[/bold] at {said['account_url']}", soft_wrap=True)
    console.print(f"  sign-in of people: {said['idp']['issuer']}", soft_wrap=True, highlight=False)
    if "ca_file" in said:
        console.print(f"  CA certificate: {said['ca_file']}", soft_wrap=True, highlight=False)
    for user in said["users"]:
        line = f"  user {user['name']} ({user['default_role']}), private key {user['private_key_path']}"
        line += f", password {user['password']}" if "password" in user else ""
        console.print(line, soft_wrap=True, highlight=False)
    console.print("Stop it with Ctrl-C.")
