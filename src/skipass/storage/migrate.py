"""Migrations, run in a child process so that a gateway never carries alembic in its memory."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

from skipass.errors import SkipassError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(path: Path) -> None:
    """Bring the SQLite file at `path` to the newest revision, creating it owner-only; raises `internal_error`."""
    if revision(path) == newest():
        return
    path.touch(mode=0o600, exist_ok=True)
    command = [sys.executable, "-m", "skipass.storage.migrate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own module
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SkipassError("internal_error", f"The database could not be migrated: {last}")


def newest() -> str:
    """Return the newest revision: the number that begins the name of the last migration."""
    return max(file.name.split("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def revision(path: Path) -> str | None:
    """Return the revision a database is at, or None where that cannot be read."""
    if not path.exists():
        return None
    with contextlib.closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.Error):
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
    return None


def _upgrade(path: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}".replace("%", "%%"))
    command.upgrade(config, "head")


if __name__ == "__main__":
    _upgrade(sys.argv[1])
