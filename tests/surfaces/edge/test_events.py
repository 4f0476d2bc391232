"""Answers that go on: told until there is no more, the viewer is gone or may look no more, or the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from skipass.errors import SkipassError
from skipass.surfaces.edge.events import Events, Fragment, Limits, Streams

pytestmark = pytest.mark.anyio
SOON = Limits(check_s=0.01, keep_alive_s=0.02)


class Viewer:
    """One who follows: keeps what was sent, leaves when told to, and may look until it may not."""

    def __init__(self, *fragments: Fragment, name: str = "ada", stays: bool = True) -> None:
        self.name, self.fragments, self.stays = name, fragments, stays
        self.left, self.sent = asyncio.Event(), asyncio.Condition()
        self.text, self.complete, self.headers = "", False, dict[str, str]()
        self.refused: SkipassError | None = None

    async def may_look(self) -> None:
        if self.refused:
            raise self.refused

    async def _told(self) -> AsyncGenerator[Fragment, None]:
        for one in self.fragments:
            yield one
        if self.stays:
            await asyncio.Event().wait()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        async with self.sent:
            if message["type"] == "http.response.start":
                self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                self.text += message["body"].decode()
                self.complete = not message.get("more_body", False)
            self.sent.notify_all()

    async def heard(self, words: str) -> None:
        async with self.sent:
            await self.sent.wait_for(lambda: words in self.text)

    def follow(self, streams: Streams) -> asyncio.Task[None]:
        events = Events(self.name, self._told(), self.may_look)
        return asyncio.create_task(streams.send(events, self.receive, self.send))


@pytest.fixture
async def streams() -> AsyncGenerator[Streams, None]:
    kept = Streams(SOON)
    yield kept
    assert len(kept) == 0


async def test_fragments_are_told_in_order_and_the_end_is_said(streams: Streams) -> None:
    """Each is one event, whatever ends its lines; when there are no more the page is told that it is over."""
    viewer = Viewer(Fragment("a", "<p>\r\nx\ry</p>", "7"), Fragment("b", ""), stays=False)
    await viewer.follow(streams)
    assert viewer.text == (
        "retry: 2000\n\nevent: a\nid: 7\ndata: <p>\ndata: x\ndata: y</p>\n\nevent: b\ndata: \n\nevent: over\ndata: \n\n"
    )
    assert viewer.complete
    assert viewer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (viewer.headers["cache-control"], viewer.headers["x-accel-buffering"]) == ("no-store", "no")


async def test_quiet_is_filled_with_comments(streams: Streams) -> None:
    """Where nothing is told a comment keeps the connection; a viewer who leaves ends it."""
    viewer = Viewer()
    task = viewer.follow(streams)
    await viewer.heard(": still there")
    viewer.left.set()
    await task
    assert "event" not in viewer.text


@pytest.mark.parametrize("code", ["sign_in_required", "forbidden", "not_found"])
async def test_who_may_look_no_more_is_told_and_cut_off(streams: Streams, code: str) -> None:
    """Nothing leaves after the sign-in or the right is gone but the word that it is over."""
    viewer = Viewer(Fragment("a", "first"))
    task = viewer.follow(streams)
    await viewer.heard("first")
    viewer.refused = SkipassError(code)
    await task
    assert viewer.complete
    assert viewer.text.endswith("your sign-in or what you may see has changed. Load it again.\n\n")


async def test_who_may_not_look_is_told_no_fragment(streams: Streams) -> None:
    """The right is asked for before a fragment leaves, not after."""
    viewer = Viewer(Fragment("a", "secret"))
    viewer.refused = SkipassError("forbidden")
    await viewer.follow(streams)
    assert "secret" not in viewer.text


async def test_a_failure_breaks_the_answer_off(streams: Streams) -> None:
    """What is not the viewer's ending is not told as one: the browser comes back by itself."""
    viewer = Viewer()
    viewer.refused = SkipassError("not_recorded")
    with pytest.raises(SkipassError):
        await viewer.follow(streams)
    assert not viewer.complete


async def test_the_end_of_the_process_ends_every_answer(streams: Streams) -> None:
    """Those that go on and those that come later end, completely, and are not told that it is over."""
    early, late = Viewer(Fragment("a", "x")), Viewer()
    task = early.follow(streams)
    await early.heard("event: a")
    streams.end()
    await task
    await late.follow(streams)
    assert early.complete
    assert late.complete
    assert "event: over" not in early.text + late.text


async def test_one_page_too_many_ends_the_oldest_of_that_person() -> None:
    """A person's newest pages are followed, and somebody else's are not touched."""
    streams = Streams(Limits(each=2, check_s=0.01))
    other, *ours = Viewer(name="grace"), Viewer(), Viewer(), Viewer()
    tasks = []
    for viewer in (other, *ours):
        tasks.append(viewer.follow(streams))
        await viewer.heard("retry")
    await tasks[1]
    assert "you opened others" in ours[0].text
    assert len(streams) == 3
    for viewer in (other, *ours):
        viewer.left.set()
    await asyncio.gather(*tasks)
    assert "over" not in other.text + ours[1].text + ours[2].text
    assert len(streams) == 0


async def test_the_process_follows_no_more_than_so_many() -> None:
    """A page beyond the bound of the process is told at once that it is not followed."""
    streams = Streams(Limits(all=1, check_s=0.01))
    first, second = Viewer(name="ada"), Viewer(name="grace")
    task = first.follow(streams)
    await first.heard("retry")
    await second.follow(streams)
    assert "Too many pages are followed" in second.text
    first.left.set()
    await task


async def test_a_viewer_who_reads_nothing_is_let_go() -> None:
    """Where what is sent is not taken, the answer is left incomplete, and its connection with it."""
    streams, viewer = Streams(Limits(patience_s=0.01)), Viewer(Fragment("a", "x"))

    async def never(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    viewer.send = never  # type: ignore[method-assign]
    await viewer.follow(streams)
    assert (len(streams), viewer.complete) == (0, False)
