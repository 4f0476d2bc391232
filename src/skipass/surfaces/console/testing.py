"""A connection tested while somebody looks on: each check stands on the page as soon as it is done."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.doctor.findings import State
from skipass.nouns.principal import Principal
from skipass.surfaces.console.frame import PAGES, Frame
from skipass.surfaces.edge.requests import SignedIn
from skipass.surfaces.edge.streamed import Streamed

_MARK = "<!-- what was found -->"


def tested(frame: Frame, by: SignedIn, name: str) -> Streamed:
    """Return the page of a test, which begins as the page is sent and sends each finding as it is there."""
    page = frame.page("tested.html", by, here="/console/connections", name=name)
    return Streamed(page, _MARK.encode(), _pieces(frame.gateway, by.principal, name))


async def _pieces(gateway: Gateway, principal: Principal, name: str) -> AsyncGenerator[str, None]:
    worst = State.OK
    try:
        async for one in gateway.doctor.watch(principal, name):
            worst = _worse(worst, one.state)
            yield PAGES.part("finding.html", one=one, state=one.state.value)
    except SkipassError as problem:
        yield PAGES.part("tested_end.html", name=name, problem=problem, worst="")
        return
    yield PAGES.part("tested_end.html", name=name, problem=None, worst=worst.value)


def _worse(one: State, other: State) -> State:
    order = (State.OK, State.UNSEEN, State.FAILED)
    return max(one, other, key=order.index)
