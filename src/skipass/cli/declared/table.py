"""One table of a declaration: hands out its members typed, and notes everything that is wrong with them.

A secret is never a member: it is named by a variable (`…_env`) or a file (`…_file`) that its owner alone can read.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from skipass.cli import environment
from skipass.cli.keyfiles import pem_of
from skipass.secret import Secret
from skipass.snowflake.auth.keys import load_private_key
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.identifiers import body_field

SOURCES = ("_env", "_file")


@dataclass(frozen=True, slots=True)
class Table:
    """One table, where it stands in the file, the file's directory, and the list its faults go to."""

    where: str
    members: Mapping[str, Any]
    directory: Path
    faults: list[str]

    def fault(self, said: str) -> None:
        """Note what is wrong."""
        self.faults.append(f"{self.where}: {said}")

    def only(self, known: Sequence[str], secrets: Sequence[str] = ()) -> None:
        """Note every member that is not known, with the one that may be meant."""
        every = [*known, *(secret + source for secret in secrets for source in SOURCES)]
        for name in self.members:
            if name in secrets and name not in known:
                self.fault(f'{name} is a secret: say {name}_env = "VARIABLE" or {name}_file = "PATH"')
            elif name not in every:
                close = get_close_matches(name, every, n=1)
                self.fault(f"there is no field {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))

    def text(self, name: str, *, needed: bool = False) -> str | None:
        """Return a member that is one line of text."""
        value = self.members.get(name)
        if value is None and not needed:
            return None
        if isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= 1000:
            return value
        self.fault(f"{name} must be one line of text" if value is not None else f"{name} is missing")
        return None

    def sql_name(self, name: str, *, needed: bool = False) -> str | None:
        """Return a member that is a SQL identifier, as Snowflake stores it."""
        typed = self.text(name, needed=needed)
        try:
            return body_field(typed) if typed is not None else None
        except SnowflakeConfigError as error:
            self.fault(f"{name}: {error.message}")
            return None

    def flag(self, name: str) -> bool | None:
        """Return a member that is true or false."""
        value = self.members.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.fault(f"{name} must be true or false")
        return None

    def count(self, name: str) -> int | None:
        """Return a member that is a positive integer."""
        value = self.members.get(name)
        if value is None or (type(value) is int and value > 0):
            return value
        self.fault(f"{name} must be a positive integer")
        return None

    def names(self, name: str) -> list[str] | None:
        """Return a member that is a list of texts."""
        value = self.members.get(name)
        if value is None:
            return None
        if isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value):
            return list(dict.fromkeys(value))
        self.fault(f"{name} must be a list of names")
        return None

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Return a member that is one of a few words."""
        value = self.text(name)
        if value is None or value in choices:
            return value
        close = get_close_matches(value, choices, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        self.fault(f"{name} must be one of {', '.join(choices)}{meant}")
        return None

    def inner(self, name: str) -> Mapping[str, Any] | None:
        """Return a member that is a table."""
        value = self.members.get(name)
        if value is None or isinstance(value, dict):
            return value
        self.fault(f"{name} must be a table")
        return None

    def secret(self, name: str) -> Secret[str] | None:
        """Return a secret from the variable or the file that is named for it."""
        raw = self._raw(name)
        try:
            return Secret(raw.decode().strip()) if raw is not None else None
        except UnicodeDecodeError:
            self.fault(f"{name}_file: it is not text")
            return None

    def private_key(self, name: str, passphrase: Secret[str] | None) -> Secret[str] | None:
        """Return an RSA key as unencrypted PEM, from the variable or the file that is named for it."""
        raw = self._raw(name)
        try:
            return pem_of(load_private_key(raw, passphrase)) if raw is not None else None
        except SnowflakeConfigError as error:
            self.fault(f"{name}: {error.message}")
            return None

    def _raw(self, name: str) -> bytes | None:
        variable, path = self.text(f"{name}_env"), self.path(f"{name}_file")
        if variable is not None and path is not None:
            self.fault(f"give one of {name}_env and {name}_file")
        if path is not None:
            return self._kept(f"{name}_file", path)
        if variable is None:
            return None
        value = environment.variable(variable)
        if not value:
            self.fault(f"{name}_env: the variable {variable} is not set")
        return value.encode() if value else None

    def path(self, name: str) -> Path | None:
        """Return a member that is a path; a relative one starts where the declaration is."""
        value = self.text(name)
        return self.directory / Path(value).expanduser() if value is not None else None

    def content(self, name: str) -> str | None:
        """Return the text of a file that is named, and need not be secret."""
        path = self.path(name)
        if path is None:
            return None
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.fault(f"{name}: {path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}")
            return None

    def _kept(self, name: str, path: Path) -> bytes | None:
        try:
            with path.open("rb") as file:
                mode, content = os.fstat(file.fileno()).st_mode, file.read()
        except OSError as error:
            self.fault(f"{name}: {path} cannot be read: {error.strerror}")
            return None
        if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            self.fault(f"{name}: others can read {path}: chmod 600 {path}")
            return None
        return content
