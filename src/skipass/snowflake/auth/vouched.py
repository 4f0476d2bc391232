"""The claims of a token by which a trusted issuer vouches for a Snowflake login. Pure; signing is `keypair.sign`.

Source: https://docs.snowflake.com/en/user-guide/oauth-ext-custom
"""

from __future__ import annotations

USER_CLAIM = "sub"
SCOPE_CLAIM = "scp"
SKEW_S = 30
"""How far the issue time lies back, for an account whose clock is behind."""


def vouching_claims(
    *, issuer: str, audience: str, login: str, role: str, token_id: str, now_s: int, ends_s: int
) -> dict[str, object]:
    """Return claims for one login and one role; times are Unix seconds, `role` is as Snowflake stores it."""
    return {
        "iss": issuer,
        "aud": audience,
        USER_CLAIM: login,
        SCOPE_CLAIM: [f"session:role:{role}"],
        "jti": token_id,
        "iat": now_s - SKEW_S,
        "exp": ends_s,
    }
