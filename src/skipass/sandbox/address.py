"""Under which address a request reached an account, and from which address it came."""

from __future__ import annotations

from starlette.requests import Request

from skipass.sandbox.account import Account


def base_url(request: Request, account: Account) -> str:
    """Return scheme and host as the caller sees the account; its official host name always means https."""
    host = request.headers.get("host", "")
    name = host.lower().split(":")[0]
    if name.endswith(".snowflakecomputing.com") or not host:
        return f"https://{account.host}"
    return f"{request.url.scheme}://{host}"


def client_address(request: Request) -> str:
    """Return the caller's address; nothing that the caller writes into a header changes it."""
    return request.client.host if request.client is not None else ""
