"""From what people type as their account to the host to call and the account name to sign.

Pure: text in, values out. Knows nothing of HTTP beyond the parts of an address.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from skipass.snowflake import regions
from skipass.snowflake.errors import SnowflakeConfigError

_DOMAIN = re.compile(r"(?P<name>.+)\.snowflakecomputing\.(?:com|cn)")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9_])?")
_ORGANIZATION = re.compile(r"[A-Za-z0-9]+")
_ACCOUNT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_HOST = re.compile(r"[a-z0-9._:-]+")
_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*/?")
_FORMS = (
    "Accepted: ORGANISATION-ACCOUNT, ORGANISATION.ACCOUNT, LOCATOR, LOCATOR.REGION, LOCATOR.REGION.CLOUD, "
    "or the account's address ending in .snowflakecomputing.com."
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account's host and names; names are upper case.

    Either `organization` and `name` are known or `locator` is. `claim_account` is what a key-pair token names.
    """

    host: str
    claim_account: str
    organization: str | None = None
    name: str | None = None
    locator: str | None = None

    @property
    def url(self) -> str:
        """The account's address, also the default audience of External OAuth."""
        return f"https://{self.host}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: `http` only to this machine itself, `prefix` starts with a slash or is empty."""

    host: str
    scheme: str = "https"
    port: int | None = None
    prefix: str = ""

    @property
    def base_url(self) -> str:
        """The address that paths are appended to, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}{self.prefix}"


def parse_account(text: str) -> Account:
    """Return the account that a person's text names, or raise `SnowflakeConfigError` rather than guess.

    Source: https://docs.snowflake.com/en/user-guide/admin-account-identifier
    """
    given = text.strip().rstrip("/")
    if "://" in given or "/" in given:
        given = _from_address(given)
    given = given.lower()
    if match := _DOMAIN.fullmatch(given):
        return _from_host(given, match["name"])
    return _from_identifier(given)


def organization_host(organization: str, name: str, *, region: str = "", privatelink: bool = False) -> str:
    """Return the host of an organisation's account (or connection), underscores turned to hyphens."""
    label = f"{organization}-{name}".lower().replace("_", "-")
    return f"{label}{'.privatelink' if privatelink else ''}.snowflakecomputing.{regions.domain(region)}"


def locator_host(
    locator: str, region: str = "", cloud: str = "", *, government: str = "", privatelink: bool = False
) -> str:
    """Return the host of an account locator; regions that the vendor names without a cloud stay without."""
    parts = [locator.lower(), government, *regions.host_parts(region, cloud or regions.cloud_of(region))]
    if privatelink:
        parts = [locator.lower(), region, "privatelink"]
    return ".".join(part for part in parts if part) + f".snowflakecomputing.{regions.domain(region)}"


def driver_host(account: str, region: str) -> str:
    """Return the host that Snowflake's drivers build from an account and a separate region argument.

    Source: https://github.com/snowflakedb/snowflake-connector-python (`construct_hostname`)
    """
    label = account.lower().split(".")[0]
    middle = "" if region == "us-west-2" else f".{region}"
    return f"{label}{middle}.snowflakecomputing.{regions.domain(region)}"


def is_valid_organization(text: str) -> bool:
    """True for letters and digits only."""
    return bool(_ORGANIZATION.fullmatch(text))


def is_valid_account_name(text: str) -> bool:
    """True for letters, digits and underscores, starting with a letter."""
    return bool(_ACCOUNT_NAME.fullmatch(text))


def target_of(account: Account | None, host: str | None) -> Target:
    """Return where to send requests: the override `host` if there is one, else the account's own host.

    `host` may carry a scheme, a port and a path prefix; plain HTTP is taken for loopback addresses only.
    """
    if not host:
        if account is None:
            raise SnowflakeConfigError("Neither an account nor a host is given.", hint=_FORMS)
        return Target(account.host)
    parts = _split(host if "://" in host else f"https://{host}")
    name = (parts.hostname or "").lower()
    if _DOMAIN.fullmatch(name):
        name = name.replace("_", "-")
    is_plain = "@" not in parts.netloc and not parts.query and not parts.fragment and _PREFIX.fullmatch(parts.path)
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(name) or not is_plain:
        raise SnowflakeConfigError("The host is not of the form [https://]name[:port][/prefix].")
    if parts.scheme == "http" and not is_loopback(name):
        raise SnowflakeConfigError("Plain HTTP is allowed to this machine only.", hint="Use https:// for this host.")
    return Target(name, parts.scheme, parts.port, parts.path.rstrip("/"))


def is_loopback(host: str) -> bool:
    """True for `localhost` and loopback addresses; no name is resolved."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise SnowflakeConfigError("The host or account is not a valid address.", hint=_FORMS) from None
    # urlsplit drops tabs and line breaks without a word, which would make another name of this one.
    if port == 0 or not address.isprintable():
        raise SnowflakeConfigError("The host or account is not a valid address.", hint=_FORMS)
    return parts


def _from_address(text: str) -> str:
    parts = _split(text if "://" in text else f"https://{text}")
    if "@" in parts.netloc:
        raise SnowflakeConfigError("The account's address carries a user name or password.", hint=_FORMS)
    segments = [segment for segment in parts.path.split("/") if segment]
    if parts.hostname == "app.snowflake.com" and len(segments) >= 2:
        first, second = segments[:2]
        return f"{second}.{first}" if regions.is_region(first.split(".")[0]) else f"{first}-{second}"
    return parts.hostname or ""


def _from_host(host: str, name: str) -> Account:
    first, *rest = name.split(".")
    _check_labels(host, [first, *rest])
    canonical = host.replace("_", "-")
    if "global" in rest:
        return Account(canonical, first.split("-")[0].upper(), locator=first.split("-")[0].upper())
    if rest in ([], ["privatelink"]) and "-" in first:
        return _organisation(first, host=canonical)
    return Account(canonical, first.upper(), locator=first.upper())


def _from_identifier(text: str) -> Account:
    first, *rest = text.split(".")
    _check_labels(text, [first, *rest])
    if rest in (["global"], ["privatelink"]) or (rest and rest[-1] == "privatelink"):
        return _from_host(f"{text}.snowflakecomputing.com", text)
    if not rest:
        if "-" in first:
            return _organisation(first)
        return Account(locator_host(first).replace("_", "-"), first.upper(), locator=first.upper())
    if regions.is_place(rest):
        return _located(first, rest)
    if len(rest) == 1 and is_valid_organization(first) and is_valid_account_name(rest[0]):
        return _organisation(f"{first}-{rest[0]}")
    raise SnowflakeConfigError(
        f"{text!r} is neither surely an organisation and account nor a locator and a known region.", hint=_FORMS
    )


def _located(locator: str, place: list[str]) -> Account:
    government = place[0] if place[0] in regions.GOVERNMENT else ""
    region, cloud = [*(place[1:] if government else place), ""][:2]
    host = locator_host(locator, region, cloud, government=government)
    return Account(host.replace("_", "-"), locator.upper(), locator=locator.upper())


def _organisation(label: str, *, host: str | None = None) -> Account:
    organization, name = label.split("-", 1)
    name = name.replace("-", "_")
    if not is_valid_organization(organization) or not name:
        raise SnowflakeConfigError(f"{organization!r} is not an organisation name.", hint=_FORMS)
    upper = (organization.upper(), name.upper())
    return Account(host or organization_host(organization, name), "-".join(upper), *upper)


def _check_labels(text: str, labels: list[str]) -> None:
    if len(text) > 253 or not all(_LABEL.fullmatch(label) and len(label) <= 63 for label in labels):
        raise SnowflakeConfigError("The account is not a name or an address of an account.", hint=_FORMS)
