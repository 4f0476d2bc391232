"""The sandbox for tests: on a thread of this process, on a free loopback port, over real HTTP."""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from skipass.sandbox.account import Account
from skipass.sandbox.app import Sandbox, create_app
from skipass.sandbox.idp.model import Directory
from skipass.sandbox.main import HOST, Server, announcement, certificate, listen, server_config, settle
from skipass.sandbox.world import UserFile, build_account, new_key, write_keys


@cache
def _remembered_key(name: str) -> RSAPrivateKey:
    """Return this process's one key for a user name: making keys would be most of a test's time."""
    return new_key(name)


@cache
def _provider_key() -> dict[str, Any]:
    """Return this process's one signing key of the provider, for the same reason."""
    directory = Directory()
    directory.rotate()
    return directory.keys[0]


@dataclass(frozen=True, slots=True)
class ControlClient:
    """Talks to the control endpoint; every call returns its JSON answer."""

    url: str
    token: str
    trust: ssl.SSLContext | None = field(default=None, repr=False)

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

    def tokens(self, action: str, **chosen: str) -> int:
        """`expire` or `revoke` now what integrations issued, of `user` and `integration`; return how many."""
        return int(self._ask("POST", "tokens", {"action": action, **chosen})["ended"])

    def provider(self, action: str, **values: Any) -> dict[str, Any]:
        """Change the provider: `rotate`, `disable`, `enable`, `person`, `client`, `server`, or `mint` a token."""
        return self._ask("POST", "idp", {"action": action, **values})

    def reset(self) -> None:
        """Forget calls and faults; put switches back."""
        self._ask("POST", "reset", {})

    def _ask(self, method: str, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.url}/{action}", data, headers, method=method)  # noqa: S310
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        handlers += [urllib.request.HTTPSHandler(context=self.trust)] if self.trust else []
        with urllib.request.build_opener(*handlers).open(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves. `host` carries the port; `users` the key files, the administrator's first.

    `said` is the object that `sandbox serve --format json` would print.
    """

    url: str
    host: str
    account: Account
    users: list[UserFile]
    control: ControlClient
    app: Sandbox
    said: dict[str, Any] = field(default_factory=dict, repr=False)

    def user(self, name: str) -> UserFile:
        """Return a user's key file by name."""
        return next(user for user in self.users if user.name == name)


@contextmanager
def running_sandbox(
    account: Account | None = None,
    *,
    bare: bool = False,
    scale: float = 0,
    more: tuple[Account, ...] = (),
    tls: bool = False,
    redirect_uris: tuple[str, ...] = (),
) -> Iterator[RunningSandbox]:
    """Serve an account (a demo one if none is given) on a thread until the block ends.

    Every user gets a key; `more` are further accounts of the same process, picked by Host.
    """
    with ExitStack() as stack:
        chosen = account or build_account(bare=bare, scale=scale, redirect_uris=redirect_uris)
        stack.callback(chosen.engine.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        users = write_keys(chosen, folder / "keys", _remembered_key)
        app = create_app((chosen, *more))
        app.provider.directory.keys = [_provider_key()]
        files = certificate(folder, chosen) if tls else None
        sock = stack.enter_context(listen(0))
        url = f"{'https' if files else 'http'}://{HOST}:{sock.getsockname()[1]}"
        settle(app, url)
        said = announcement(app, url, users, files)
        ready = threading.Event()
        server = Server(server_config(app, files), ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        stack.callback(_stop, server, thread)
        ready.wait(10)
        control = ControlClient(said["control_url"], app.control.token, files.client_context() if files else None)
        yield RunningSandbox(url, said["host"], chosen, users, control, app, said)


def _stop(server: Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(10)
