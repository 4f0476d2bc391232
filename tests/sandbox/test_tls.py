"""TLS with a CA of one's own: what it vouches for, and clients that know nothing else of the sandbox."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from snowflake_sql_api import SnowflakeClient

from sandbox.browser import Person
from skipass.sandbox import tls
from skipass.sandbox.testing import RunningSandbox, running_sandbox

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PEER = """
import sys
from snowflake_sql_api import SnowflakeClient
account, host, key = sys.argv[1:]
with SnowflakeClient(account, "SKIPASS_SVC", private_key_path=key, host=host, warehouse="AGENT_WH") as client:
    print(client.query("select count(*) as n, current_user() as u from ops_db.ops.orders"))
"""


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with running_sandbox(tls=True) as running:
        yield running


def test_peer_library_connects_with_the_ca_in_its_environment(served: RunningSandbox) -> None:
    """`snowflake-sql-api`, unchanged, runs a query over https when SSL_CERT_FILE names the CA, and not without."""
    key = str(served.user("SKIPASS_SVC").private_key_path)
    command = [sys.executable, "-c", PEER, served.account.identifier, served.host, key]
    trusting = os.environ | {"SSL_CERT_FILE": served.said["ca_file"]}
    done = subprocess.run(command, env=trusting, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[{'N': 240, 'U': 'SKIPASS_SVC'}]", done.stderr
    bare = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    refused = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr


def test_addresses_are_https(served: RunningSandbox) -> None:
    """Account, control and issuer are https, and the account follows the issuer's keys over TLS."""
    said = served.said
    assert {said[name].partition(":")[0] for name in ("account_url", "control_url")} == {"https"}
    assert said["idp"]["issuer"].startswith("https://")
    trust = ssl.create_default_context(cafile=said["ca_file"])
    request = urllib.request.Request(f"{said['account_url']}/oauth/authorize")
    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        urllib.request.urlopen(request, context=trust)
    caught.value.close()


def test_cookies_of_https_pages_are_secure(served: RunningSandbox) -> None:
    """A sign-in page over https sets its cookie for https alone."""
    trust = ssl.create_default_context(cafile=served.said["ca_file"])
    one = served.account.sign_in.integrations["SKIPASS_OAUTH"]
    person = Person(served.host, "", "", trust=trust)
    query = f"client_id={urllib.parse.quote(one.client_id, safe='')}&response_type=code"
    challenge = f"&code_challenge={'A' * 43}&code_challenge_method=S256"
    page = person.get(f"/oauth/authorize?{query}&redirect_uri=http://127.0.0.1:8787/oauth/callback{challenge}")
    assert page.status == 200
    assert "secure" in page.headers["set-cookie"].lower()


def test_certificate_vouches_for_these_names_and_no_others(tmp_path: Path) -> None:
    """The CA is constrained to the names it was made for, and its key is nowhere."""
    files = tls.prepared(tmp_path, ["my-account.localhost"], NOW)
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    limits = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert {str(one.value) for one in limits.value.permitted_subtrees or []} == {
        "localhost", "my-account.localhost", "127.0.0.1/32", "::1/128",
    }  # fmt: skip
    chain = x509.load_pem_x509_certificate(files.chain.read_bytes())
    chain.verify_directly_issued_by(ca)
    assert files.key.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "chain.pem", "key.pem"]


def test_files_stay_until_names_or_time_change(tmp_path: Path) -> None:
    """The same names keep their certificate; another name or a near end makes a new one."""
    first = tls.prepared(tmp_path, ["a.localhost"], NOW).ca.read_bytes()
    assert tls.prepared(tmp_path, ["a.localhost"], NOW + timedelta(days=80)).ca.read_bytes() == first
    second = tls.prepared(tmp_path, ["b.localhost"], NOW).ca.read_bytes()
    assert second != first
    assert tls.prepared(tmp_path, ["b.localhost"], NOW + timedelta(days=90)).ca.read_bytes() != second


def test_peer_library_sees_types(served: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer library reads numbers, times and NULL from the served account as Python values."""
    monkeypatch.setenv("SSL_CERT_FILE", served.said["ca_file"])
    key = str(served.user("SKIPASS_SVC").private_key_path)
    account = served.account.identifier
    with SnowflakeClient(account, "SKIPASS_SVC", private_key_path=key, host=served.host) as client:
        (row,) = client.query("select 1 as a, 1.50::number(10,2) as b, null as c, 'x' as d, true as e")
    assert (row["A"], str(row["B"]), row["C"], row["D"], row["E"]) == (1, "1.50", None, "x", True)
