"""Accounts: what people type, hosts, claim accounts, targets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.snowflake import SnowflakeConfigError, Target, parse_account, target_of
from skipass.snowflake.account import (
    driver_host,
    is_valid_account_name,
    is_valid_organization,
    locator_host,
    organization_host,
)
from skipass.snowflake.identifiers import body_field, quoted
from snowflake import golden

CASES = golden.cases("account-hosts")


def of_kind(prefix: str) -> list[Any]:
    """The golden cases whose id starts so."""
    return [
        pytest.param(case["input"], case["output"], id=name) for name, case in CASES.items() if name.startswith(prefix)
    ]


@pytest.mark.parametrize(("given", "wanted"), of_kind("host-org") + of_kind("host-legacy") + of_kind("host-china"))
def test_organisation_hosts(given: dict[str, str], wanted: dict[str, str]) -> None:
    """An organisation's account or connection has the golden host."""
    name = given.get("account") or given["connection"]
    assert organization_host(given["organization"], name, region=given.get("region", "")) == wanted["host"]


@pytest.mark.parametrize(("given", "wanted"), of_kind("host-locator"))
def test_locator_hosts(given: dict[str, str], wanted: dict[str, str]) -> None:
    """A locator with region and cloud has the golden host."""
    government = given.get("government", "")
    assert locator_host(given["locator"], given["region"], given["cloud"], government=government) == wanted["host"]


def test_private_link_hosts() -> None:
    """Private link hosts keep their suffix, in the organisation's form and in the locator's."""
    org, locator = CASES["host-privatelink-org"], CASES["host-privatelink-locator"]
    assert organization_host("MYORG", "MYACCOUNT", privatelink=True) == org["output"]["host"]
    assert locator_host("XY12345", "us-east-1", privatelink=True) == locator["output"]["host"]


@pytest.mark.parametrize(("given", "wanted"), of_kind("host-driver"))
def test_driver_hosts(given: dict[str, str], wanted: dict[str, str]) -> None:
    """Account and separate region make the host that the drivers build."""
    assert driver_host(given["account"], given["driver_region_argument"]) == wanted["host"]


def test_underscore_hosts_are_called_by_their_hyphen_name() -> None:
    """A host with an underscore is called by the name without one."""
    case = CASES["host-underscore-also-resolves"]
    assert parse_account(case["input"]["host"]).host == case["output"]["client_uses"]


@pytest.mark.parametrize(("given", "wanted"), of_kind("parse-"))
def test_what_people_type(given: dict[str, str], wanted: dict[str, Any]) -> None:
    """Each form people type gives the golden host and names, and an ambiguous one is asked about, not guessed."""
    text = given.get("text") or given["host"]
    if wanted.get("ask"):
        with pytest.raises(SnowflakeConfigError, match="neither surely"):
            parse_account(text)
        return
    account = parse_account(text)
    found = {
        "host": account.host,
        "organization": account.organization,
        "account": account.name,
        "locator": account.locator,
    }
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(("given", "wanted"), of_kind("jwt-account"))
def test_claim_accounts(given: dict[str, str], wanted: dict[str, str]) -> None:
    """The account in a token is the golden one for each identifier."""
    text = given.get("account_identifier") or given["organization_dot_account"]
    assert parse_account(text).claim_account == wanted["claim_account"]


def test_default_audience_is_the_account_url() -> None:
    """The audience of External OAuth is the account's address."""
    case = CASES["audience-external-oauth"]
    assert parse_account(case["input"]["account_identifier"]).url == case["output"]["audience"]


@pytest.mark.parametrize(("given", "wanted"), of_kind("name-"))
def test_name_rules(given: dict[str, str], wanted: dict[str, bool]) -> None:
    """Organisation and account names follow the vendor's rules."""
    valid = (
        is_valid_organization(given["organization"])
        if "organization" in given
        else is_valid_account_name(given["account"])
    )
    assert valid is wanted["valid"]


@pytest.mark.parametrize(
    ("text", "host", "claim"),
    [
        ("https://app.snowflake.com/myorg/my_acc/#/homepage", "myorg-my-acc.snowflakecomputing.com", "MYORG-MY_ACC"),
        ("app.snowflake.com/us-east-1/xy12345", "xy12345.us-east-1.snowflakecomputing.com", "XY12345"),
        ("  MYORG-ACC.snowflakecomputing.cn  ", "myorg-acc.snowflakecomputing.cn", "MYORG-ACC"),
        ("acct-ext.global.snowflakecomputing.com", "acct-ext.global.snowflakecomputing.com", "ACCT"),
        ("xy12345.fhplus.us-gov-west-1.aws", "xy12345.fhplus.us-gov-west-1.aws.snowflakecomputing.com", "XY12345"),
        ("myorg-acc.privatelink", "myorg-acc.privatelink.snowflakecomputing.com", "MYORG-ACC"),
    ],
)
def test_more_forms(text: str, host: str, claim: str) -> None:
    """Pasted console addresses, China, global, government and private link names are understood."""
    account = parse_account(text)
    assert (account.host, account.claim_account) == (host, claim)


@given(st.text(max_size=80))
def test_any_text_is_an_account_or_a_clear_refusal(text: str) -> None:
    """Whatever is typed gives a Snowflake host or `SnowflakeConfigError`, never another failure."""
    try:
        account = parse_account(text)
    except SnowflakeConfigError:
        return
    assert account.host.endswith((".snowflakecomputing.com", ".snowflakecomputing.cn"))
    assert account.claim_account == account.claim_account.upper()
    assert not set(account.host) & set("/@:?#_ ")


@pytest.mark.parametrize(
    ("host", "target", "url"),
    [
        ("gateway.example.com", Target("gateway.example.com"), "https://gateway.example.com"),
        ("https://gateway.example.com:8443/c/ops/", Target("gateway.example.com", "https", 8443, "/c/ops"), None),
        ("http://127.0.0.1:8787/c/ops", Target("127.0.0.1", "http", 8787, "/c/ops"), "http://127.0.0.1:8787/c/ops"),
        ("http://[::1]:8787", Target("::1", "http", 8787), "http://[::1]:8787"),
        ("my_org-acc.snowflakecomputing.com", Target("my-org-acc.snowflakecomputing.com"), None),
    ],
)
def test_host_override(host: str, target: Target, url: str | None) -> None:
    """A host may carry scheme, port and path prefix."""
    assert target_of(None, host) == target
    assert url is None or target.base_url == url


@pytest.mark.parametrize(
    "host",
    [
        "http://gateway.example.com",
        "http://127.0.0.1.example.com",
        "ftp://x",
        "https://u:p@x",
        "https://:p@x",
        "https://x/a b",
        "https://x/../y",
        "https://x y",
        "https://x:99999",
        "https://x\ty",
        "https://x?y=1",
        "https://",
    ],
)
def test_hosts_that_are_refused(host: str) -> None:
    """Plain HTTP beyond this machine, credentials, queries and other schemes are refused."""
    with pytest.raises(SnowflakeConfigError):
        target_of(None, host)


def test_neither_account_nor_host() -> None:
    """Without account and host there is nothing to call."""
    with pytest.raises(SnowflakeConfigError, match="Neither"):
        target_of(None, None)


SUBMIT = {name: case for name, case in golden.cases("sqlapi-submit").items() if name.startswith("submit-identifier")}


@pytest.mark.parametrize("name", SUBMIT)
def test_identifiers_in_body_fields(name: str) -> None:
    """A SQL identifier becomes the exact stored name that a body field takes."""
    case = SUBMIT[name]
    assert body_field(case["input"]["sql_identifier"]) == case["output"]["body_field"]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_quoting_round_trip(name: str) -> None:
    """The quoted form of any name stands for exactly that name."""
    assert body_field(quoted(name)) == name


@pytest.mark.parametrize("text", ["", "my db", '"', '""', '"a"b"', "a.b", "1a", '"open'])
def test_what_is_no_identifier(text: str) -> None:
    """Text that is neither plain nor quoted is refused."""
    with pytest.raises(SnowflakeConfigError):
        body_field(text)
