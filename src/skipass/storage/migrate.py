"""Migrations, run in a child process so that a gateway never carries alembic in its memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from skipass.errors import SkipassError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(path: Path) -> None:
    """Bring the SQLite file at `path` to the newest revision, creating it owner-only; raises `internal_error`."""
    path.touch(mode=0o600, exist_ok=True)
    command = [sys.executable, "-m", "skipass.storage.migrate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own module
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SkipassError("internal_error", f"The database could not be migrated: {last}")


def _upgrade(path: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}".replace("%", "%%"))
    command.upgrade(config, "head")


if __name__ == "__main__":
    _upgrade(sys.argv[1])
