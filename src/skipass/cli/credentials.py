"""The tokens that `login` keeps: one file of its owner alone, keyed by the gateway's address. Knows no HTTP."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.secret import Secret


@dataclass(frozen=True, slots=True)
class Credentials:
    """The file at `path`; every read refuses a file that others may read, every write replaces it at once."""

    path: Path

    def token(self, url: str) -> Secret[str] | None:
        """Return the token kept for a gateway, None when there is none."""
        kept = self._read()["gateways"].get(url)
        return Secret(str(kept["token"])) if kept else None

    def default_url(self) -> str | None:
        """Return the gateway that was signed in to last."""
        default: str | None = self._read()["default"]
        return default

    def keep(self, url: str, token: Secret[str], user: str, expires_at: str) -> None:
        """Store a token in place of an earlier one for the same gateway, which becomes the default."""
        content = self._read()
        content["gateways"][url] = {"token": token.reveal(), "user": user, "expires_at": expires_at}
        content["default"] = url
        self._write(content)

    def forget(self, url: str) -> bool:
        """Drop what is kept for a gateway; false when nothing was."""
        content = self._read()
        if content["gateways"].pop(url, None) is None:
            return False
        content["default"] = None if content["default"] == url else content["default"]
        self._write(content)
        return True

    def _read(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    hint = f"chmod 600 {self.path}, and sign in again if somebody may have read it."
                    raise SkipassError("unauthenticated", f"{self.path} can be read by others.", hint)
                return _shaped(orjson.loads(file.read()))
        except FileNotFoundError:
            return {"default": None, "gateways": {}}
        except (ValueError, KeyError, TypeError):
            hint = "Remove it and sign in again."
            raise SkipassError("unauthenticated", f"{self.path} is not what login writes.", hint) from None

    def _write(self, content: dict[str, Any]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        write_owner_only(draft, (orjson.dumps(content, option=orjson.OPT_INDENT_2),))
        draft.replace(self.path)


def _shaped(content: Any) -> dict[str, Any]:
    """Return the content if `keep` can have written it; raises `ValueError`, `KeyError` or `TypeError` otherwise."""
    gateways = {str(url): {"token": str(kept["token"]), **kept} for url, kept in dict(content["gateways"]).items()}
    default = content["default"]
    if default is not None and not isinstance(default, str):
        raise ValueError("the default is no address")
    return {"default": default, "gateways": gateways}


def write_owner_only(path: Path, content: Iterable[bytes]) -> None:
    """Create a file of these parts that only its owner can read; raises `FileExistsError` rather than touch another."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
