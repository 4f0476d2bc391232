"""Where the key-encryption key comes from: a file of its owner alone, the environment, or a command. Never a database.

A provider may have two keys: the one in use and the one to turn to. Which one a database is under, the database says.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.vault.keys import KeyEncryptionKey, KeyRing, key_from, new_vault_key, vault_key

COMMAND_S = 30.0


class KeyProvider(Protocol):
    """Gives the keys to this process; `where` says to people what gives them."""

    @property
    def where(self) -> str:
        """What gives the keys, in words without a secret."""
        ...

    def create(self) -> None:
        """Make the first key where that is this provider's business; else the operator has."""
        ...

    def keys(self) -> Sequence[KeyEncryptionKey]:
        """Return every key there is, the one in use first, or raise `vault_key` with the next step."""
        ...

    def following(self) -> KeyEncryptionKey | None:
        """Return the key to turn to, None where there is none."""
        ...

    def make_next(self) -> None:
        """Make the key to turn to where that is this provider's business; else the operator has."""
        ...

    def promote(self, fingerprint: str) -> None:
        """Take note that everything is under the key of that fingerprint now."""
        ...


def ring_of(provider: KeyProvider, fingerprint: str | None) -> KeyRing:
    """Return the ring that seals with the key of a database, or raise `vault_key` where no such key is given."""
    first, *others = provider.keys()
    ring = KeyRing(first, *others)
    if fingerprint is not None:
        ring.turn_to(fingerprint)
    return ring


@dataclass(frozen=True, slots=True)
class FileKeys:
    """A key file, the one to turn to beside it (`.next`), and after a rotation the one before (`.old`)."""

    path: Path

    @property
    def where(self) -> str:
        """The name of the file."""
        return f"the file {self.path.name}"

    def create(self) -> None:
        """Create the key file; raises `already_initialised` if there is one."""
        new_vault_key(self.path)

    def keys(self) -> Sequence[KeyEncryptionKey]:
        """Return the keys of the files that are there."""
        beside = [path for path in (self._beside("next"), self._beside("old")) if path.exists()]
        return [vault_key(self.path), *(vault_key(path) for path in beside)]

    def following(self) -> KeyEncryptionKey | None:
        """Return the key of the next key file."""
        return vault_key(self._beside("next")) if self._beside("next").exists() else None

    def make_next(self) -> None:
        """Create the next key file, unless one is there: the operator's, or that of a rotation that was broken off."""
        if not self._beside("next").exists():
            new_vault_key(self._beside("next"))

    def promote(self, fingerprint: str) -> None:
        """Let the next key's file take the place of the key file, whose content is kept as the one before."""
        following = self.following()
        if following is None or following.fingerprint != fingerprint:
            return
        self._beside("old").unlink(missing_ok=True)
        os.link(self.path, self._beside("old"))  # so that at every moment there is a key file
        self._beside("next").replace(self.path)

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{suffix}")


@dataclass(frozen=True, slots=True)
class EnvironmentKeys:
    """Keys from settings; the operator sets the next one, rotates, and then makes it the one in use."""

    first: Secret[str]
    second: Secret[str] | None = None

    @property
    def where(self) -> str:
        """The name of the variable."""
        return "the variable SKIPASS_VAULT_KEY"

    def create(self) -> None:
        """Check that what is set is a key."""
        self.keys()

    def keys(self) -> Sequence[KeyEncryptionKey]:
        """Return the keys that are set."""
        named = [("SKIPASS_VAULT_KEY", self.first), ("SKIPASS_VAULT_KEY_NEXT", self.second)]
        return [key_from(text.reveal().encode(), name) for name, text in named if text is not None]

    def following(self) -> KeyEncryptionKey | None:
        """Return the second key."""
        return next(iter(self.keys()[1:]), None)

    def make_next(self) -> None:
        """Do nothing: the operator sets it."""

    def promote(self, fingerprint: str) -> None:
        """Do nothing: the operator sets it."""


@dataclass(frozen=True, slots=True)
class CommandKeys:
    """Keys that a command prints, in base 64, one a line, the one in use first; it runs without a shell."""

    command: tuple[str, ...]

    @property
    def where(self) -> str:
        """The name of the program."""
        return f"the command {Path(self.command[0]).name}"

    def create(self) -> None:
        """Check that the command gives a key."""
        self.keys()

    def keys(self) -> Sequence[KeyEncryptionKey]:
        """Run the command and return what it prints; its error output is not shown, for it may hold a secret."""
        lines: list[bytes] = []
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(  # noqa: S603 - the operator's own command, without a shell
                self.command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S, check=True
            )
            lines = done.stdout.split()
        if not lines:
            hint = "Run SKIPASS_VAULT_KEY_COMMAND by hand: it must end with status 0 and print the key in base 64."
            raise SkipassError("vault_key", f"{self.where.capitalize()} gave no key.", hint)
        return [key_from(line, self.where) for line in lines]

    def following(self) -> KeyEncryptionKey | None:
        """Return the second key."""
        return next(iter(self.keys()[1:]), None)

    def make_next(self) -> None:
        """Do nothing: the operator lets the command print it."""

    def promote(self, fingerprint: str) -> None:
        """Do nothing: the operator lets the command print it first."""
