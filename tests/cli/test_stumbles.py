"""What a newcomer trips over is told in a line with what to do, never as a traceback."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skipass.demo.stage import gateway

pytestmark = pytest.mark.slow

Run = Callable[..., Any]


def skipass(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "skipass.cli.main", *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("command", [("serve",), ("sandbox", "serve", "--bare", "--scale", "0")])
def test_a_port_that_is_taken_is_told(tmp_path: Path, run: Run, command: tuple[str, ...]) -> None:
    """Where something else listens already, the command says so and how to name another port."""
    run("init", "--admin", "ana", "--home", tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = skipass(*command, "--port", taken.getsockname()[1], SKIPASS_HOME=str(tmp_path / "home"))
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == (
        "invalid_request: Nothing can listen at this address: Address already in use.\n"
        "hint: --port names another port; 0 picks a free one.\n"
    )


@pytest.mark.anyio
async def test_a_named_home_of_a_sandbox_is_its_owner_s_alone(tmp_path: Path) -> None:
    """`serve --sandbox --home` makes a directory that nobody else can enter."""
    async with gateway(tmp_path / "home"):
        assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_faulty_settings_are_told_in_our_words(run: Run) -> None:
    """A setting that is refused is named by what is wrong with it, without the library's own prefix."""
    found = run("serve", "--tls-cert", "x")
    assert (found.status, found.err) == (2, "invalid_request: tls_cert and tls_key go together\n")


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (("audit", "verify", "--home", "nowhere"), "--home"),
        (("connection", "setup-sql", "--login=A", "--role=R", "--schema=D.S", "--private-key=nowhere"), "key new"),
        (("login",), "init or user link"),
    ],
)
def test_what_is_missing_comes_with_what_gives_it(run: Run, command: tuple[str, ...], hint: str) -> None:
    """A record, a key or a link that is not there: the answer names the command or the option that has one."""
    found = run(*command, stdin="\n")
    assert found.status in (1, 2)
    assert hint in found.err
