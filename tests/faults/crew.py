"""Gateway processes that a test may kill, forked from one that has everything imported: each starts in no time.

Run as a program it is that one process. It says nothing of its own: a line in, a line out.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import uvloop

from faults.hands import SharedClock
from gateway.linked import ROLE
from gateways import BASE_URL
from skipass.app import log
from skipass.app.process import running
from skipass.app.settings import Settings
from skipass.errors import SkipassError
from skipass.gateway import crashpoints
from skipass.gateway.core import Gateway
from skipass.gateway.ports import Reader
from skipass.gateway.way_out import Out
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.connection import Connection, Credential


def main() -> None:
    """Fork a gateway for each order, and bury one when asked: its exit status is the answer."""
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "bury" in order:
            print(os.waitstatus_to_exitcode(os.waitpid(order["bury"], 0)[1]), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _serve(order)
        print(pid, flush=True)


def _serve(order: dict[str, Any]) -> None:
    """Be a gateway until the test is gone or this process is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log.configure("json", "error")
    status = 1
    try:
        uvloop.run(_gateway(order))
        status = 0
    finally:
        os._exit(status)


async def _gateway(order: dict[str, Any]) -> None:
    settings = Settings(home=Path(order["home"]), sandbox=True, database_url=order["database_url"])
    async with running(settings, BASE_URL, SharedClock(Path(order["hands"]))) as gateway:
        reader, writer = await asyncio.open_unix_connection(order["door"])
        _say(writer, {"pid": os.getpid(), "boot": gateway.deps.journal.boot_id})
        async with asyncio.TaskGroup() as asked:
            while line := await reader.readline():
                asked.create_task(_answer(gateway, json.loads(line), writer))


async def _answer(gateway: Gateway, order: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    if "arm" in order:
        crashpoints.arm(order["arm"])
        _say(writer, {"armed": order["arm"]})
        return
    out = await gateway.deps.journal.read(lambda reader: _out(reader, order["credential"]))
    got = await asyncio.gather(*(_token(gateway, out) for _ in range(order["callers"])))
    _say(writer, {"got": sorted(set(got))})


async def _token(gateway: Gateway, out: Out) -> str:
    """Return a name for the token, or the code of a refusal; who is told to come again soon does."""
    while True:
        try:
            token = await gateway.refresher.token(out)
            return sha256(token.value.reveal().encode()).hexdigest()
        except SkipassError as error:
            if error.code != "not_recorded":
                return error.code
        await asyncio.sleep(0.05)


async def _out(reader: Reader, credential_id: str) -> Out:
    credential = await reader.get(Credential, credential_id)
    assert credential is not None
    connection = await reader.get(Connection, credential.connection_id)
    assert connection is not None
    return Out(connection, credential, await reader.get(ConnectedAccount, credential.account_id), role=ROLE)


def _say(writer: asyncio.StreamWriter, what: dict[str, Any]) -> None:
    writer.write(json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
