"""What the environment says: where the gateway is, who asks, and where this person's files are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from skipass.secret import Secret

DEFAULT_URL = "http://127.0.0.1:8787"
VARIABLES = {
    "SKIPASS_URL": f"Address of the gateway; without it the one last signed in to, else {DEFAULT_URL}.",
    "SKIPASS_API_KEY": "An agent's key, or a key of the sandbox; without it the token that login stored.",
    "SKIPASS_HOME": "Directory of the stored tokens and of a gateway's own files; without it ~/.skipass.",
}


def home() -> Path:
    """Return the directory of this person's files."""
    return Path(os.environ.get("SKIPASS_HOME") or "~/.skipass").expanduser()


def url() -> str | None:
    """Return the gateway's address if the environment names one."""
    return os.environ.get("SKIPASS_URL") or None


def api_key() -> Secret[str] | None:
    """Return the key if the environment holds one."""
    key = os.environ.get("SKIPASS_API_KEY", "").strip()
    return Secret(key) if key else None


def database_url() -> Secret[str] | None:
    """Return the address of a gateway's database if the environment holds one."""
    url = os.environ.get("SKIPASS_DATABASE_URL", "").strip()
    return Secret(url) if url else None


def everything() -> Mapping[str, str]:
    """Return all variables, for what reads other tools' files as those tools do."""
    return os.environ


def variable(name: str) -> str | None:
    """Return a variable that an option names, for what must not stand on a command line."""
    return os.environ.get(name)
