"""The pytest plugin gives others a served account."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TEST = """
import json, ssl, urllib.request

def test_account(snowflake_sandbox, snowflake_sandbox_shared):
    assert snowflake_sandbox.url != snowflake_sandbox_shared.url
    assert snowflake_sandbox.user("ADMIN").private_key_path.exists()

def test_tls(snowflake_sandbox_tls):
    said = snowflake_sandbox_tls.said
    trust = ssl.create_default_context(cafile=said["ca_file"])
    with urllib.request.urlopen(said["idp"]["issuer"] + "/.well-known/openid-configuration", context=trust) as answer:
        assert json.load(answer)["issuer"] == said["idp"]["issuer"]
"""


def test_fixtures_serve_accounts(tmp_path: Path) -> None:
    """The fixtures give an own, a shared and a TLS account to a test suite that only names the plugin."""
    (tmp_path / "test_mine.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "skipass.sandbox.pytest_plugin"]
    done = subprocess.run([*command, "test_mine.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
