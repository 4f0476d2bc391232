"""Where one gateway keeps its own: database, keys, checkpoints, and the lock that lets one process hold them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from skipass.errors import SkipassError


@dataclass(frozen=True, slots=True)
class Home:
    """The files of one gateway under `path`, a directory of its owner alone; its rows may be `on_server` instead."""

    path: Path
    on_server: bool = False

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.path / "skipass.sqlite3"

    @property
    def vault_key(self) -> Path:
        """The key-encryption key, unless the settings take it from elsewhere; back it up apart from the database."""
        return self.path / "vault.key"

    @property
    def audit_key(self) -> Path:
        """The private half that signs checkpoints."""
        return self.path / "audit.key"

    @property
    def audit_public_key(self) -> Path:
        """The public half, for whoever verifies."""
        return self.path / "audit.pub"

    @property
    def checkpoints(self) -> Path:
        """Signed heads of the chains, a JSON object a line; ship it off this machine."""
        return self.path / "checkpoints.jsonl"

    @property
    def initialised(self) -> bool:
        """Whether there is a gateway here."""
        keyed = self.vault_key.exists() or self.audit_key.exists()
        return keyed and (self.on_server or self.database.exists())

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold this gateway's data for this process, or raise `gateway_running`."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                hint = "Stop it first, or talk to it: the other commands go through its HTTP address."
                raise SkipassError("gateway_running", hint=hint) from None
            yield
