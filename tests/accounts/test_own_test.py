"""A connection of users, tested by an admin: with the admin's own account, for the roles that one is linked for."""

from __future__ import annotations

import pytest

from accounts.walk import ROLE, Walk

pytestmark = pytest.mark.anyio


async def test_the_admin_s_own_account_is_what_is_tested(walk: Walk) -> None:
    """Once the admin has linked an account the test signs in as it; a role it is not linked for cannot be seen."""
    await walk.by_snowflake(allowed_roles=["PUBLIC"])
    admin = await walk.admin()
    (unseen,) = await walk.gateway.connections.test(admin, "own")
    assert (unseen.name, unseen.ok) == ("credential", None)
    async with walk.signed_in("ada") as ada:
        await walk.linked(ada, await walk.invite(admin))
    checks = {one.name: one for one in await walk.gateway.connections.test(admin, "own")}
    assert "DANA" in checks["sign-in"].seen
    assert (checks["role"].ok, checks["warehouse"].ok, checks["reach"].ok) == (True, True, True)
    await walk.gateway.changing.change(admin, "own", {"role": "PUBLIC", "allowed_roles": [ROLE]})
    told = {one.name: one for one in await walk.gateway.connections.test(admin, "own")}["role"]
    assert (told.ok, told.fix) == (None, "skipass account link own --role PUBLIC")
