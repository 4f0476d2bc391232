"""The sandbox as a process of its own."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.client import Client, load_key, sign


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_process_says_where_it_is_and_stops_cleanly(stop: signal.Signals) -> None:
    """The first line is one JSON object; key files are the owner's alone and gone after a clean stop."""
    command = [sys.executable, "-m", "skipass.sandbox", "serve", "--format", "json", "--scale", "0"]
    with subprocess.Popen([*command, "--account", "ACME-TEST"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        path = Path(said["users"][0]["private_key_path"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        token = sign(load_key(path), said["account"], said["users"][0]["login_name"])
        assert Client(said["host"], token).sql("select current_account_name()").rows == [["TEST"]]
        process.send_signal(stop)
        assert process.wait(10) == 0
    assert said["users"][0]["default_role"] == "ACCOUNTADMIN"
    assert not path.exists()
