"""The sandbox for tests: on a thread of this process, on a free loopback port, over real HTTP."""

from __future__ import annotations

import json
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from skipass.sandbox.account import Account
from skipass.sandbox.app import Sandbox, create_app
from skipass.sandbox.main import HOST, Server, listen, server_config
from skipass.sandbox.world import UserFile, build_account, new_key, write_keys


@cache
def _remembered_key(name: str) -> RSAPrivateKey:
    """Return this process's one key for a user name: making keys would be most of a test's time."""
    return new_key(name)


@dataclass(frozen=True, slots=True)
class ControlClient:
    """Talks to the control endpoint; every call returns its JSON answer."""

    url: str
    token: str

    def state(self) -> dict[str, Any]:
        """Return switches and counters of every account."""
        return self._ask("GET", "state")

    def calls(self) -> list[dict[str, Any]]:
        """Return the recorded calls, oldest first."""
        found: list[dict[str, Any]] = self._ask("GET", "calls")["calls"]
        return found

    def faults(self, *faults: dict[str, Any], seed: int | None = None) -> None:
        """Replace the faults that coming calls meet."""
        self._ask("POST", "faults", {"faults": list(faults)} | ({} if seed is None else {"seed": seed}))

    def switches(self, **values: Any) -> None:
        """Set switches by name."""
        self._ask("POST", "switches", values)

    def reset(self) -> None:
        """Forget calls and faults; put switches back."""
        self._ask("POST", "reset", {})

    def _ask(self, method: str, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.url}/{action}", data, headers, method=method)  # noqa: S310
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves. `host` carries the port; `users` the key files, the administrator's first."""

    url: str
    host: str
    account: Account
    users: list[UserFile]
    control: ControlClient
    app: Sandbox

    def user(self, name: str) -> UserFile:
        """Return a user's key file by name."""
        return next(user for user in self.users if user.name == name)


@contextmanager
def running_sandbox(
    account: Account | None = None, *, bare: bool = False, scale: float = 0, more: tuple[Account, ...] = ()
) -> Iterator[RunningSandbox]:
    """Serve an account (a demo one if none is given) on a thread until the block ends.

    Every user gets a key; `more` are further accounts of the same process, picked by Host.
    """
    with ExitStack() as stack:
        chosen = account or build_account(bare=bare, scale=scale)
        stack.callback(chosen.engine.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        users = write_keys(chosen, folder, _remembered_key)
        app = create_app((chosen, *more))
        sock = stack.enter_context(listen(0))
        url = f"http://{HOST}:{sock.getsockname()[1]}"
        ready = threading.Event()
        server = Server(server_config(app), ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        stack.callback(_stop, server, thread)
        ready.wait(10)
        control = ControlClient(f"{url}/control", app.control.token)
        yield RunningSandbox(url, url.removeprefix("http://"), chosen, users, control, app)


def _stop(server: Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(10)
