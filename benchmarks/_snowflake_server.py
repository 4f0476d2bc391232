"""A loopback server that hands out one large result, prepared beforehand, and does no work while it is measured.

Run as a program with a number of rows: prints its port, and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys

PARTITION_ROWS = 50_000
HANDLE = "01b2c3d4-0000-0000-0000-000100020003"
_DISTINCT = 4
COLUMNS = [
    {"name": "ID", "type": "fixed", "precision": 38, "scale": 0},
    {"name": "AMOUNT", "type": "fixed", "precision": 12, "scale": 2},
    {"name": "NAME", "type": "text"},
    {"name": "ACTIVE", "type": "boolean"},
    {"name": "DAY", "type": "date"},
    {"name": "CREATED", "type": "timestamp_ntz", "precision": 0, "scale": 9},
    {"name": "SCORE", "type": "real"},
    {"name": "NOTE", "type": "text"},
    {"name": "SEEN", "type": "timestamp_tz", "precision": 0, "scale": 9},
    {"name": "DETAIL", "type": "variant"},
]


def row(number: int) -> list[str | None]:
    """Return one row of cell text, of every common type, with a NULL now and then."""
    return [
        str(number),
        f"{number % 100_000}.{number % 100:02d}",
        f"customer {number}",
        "true" if number % 3 else "false",
        str(18_000 + number % 2_000),
        f"{1_700_000_000 + number}.{number % 1_000_000:06d}000",
        repr(number * 0.37),
        None if number % 7 == 0 else "a remark of a few words, as people write them",
        f"{1_700_000_000 + number * 7}.000000000 {(1440, 1500, 960)[number % 3]}",
        f'{{\n  "level": {number % 10},\n  "tag": "t{number % 50}"\n}}',
    ]


class Account:
    """One finished statement of `rows` rows; partitions after the first are gzip and repeat after a few."""

    def __init__(self, rows: int) -> None:
        self.count = max(rows // PARTITION_ROWS, 1)
        parts = [self._rows(index) for index in range(min(_DISTINCT, self.count))]
        self.first = self._first(parts[0], rows)
        self.bodies = [gzip.compress(_json({"data": part}), 6) for part in parts]

    @staticmethod
    def _rows(index: int) -> list[list[str | None]]:
        return [row(number) for number in range(index * PARTITION_ROWS, (index + 1) * PARTITION_ROWS)]

    def _first(self, part: list[list[str | None]], rows: int) -> bytes:
        size = len(_json({"data": part}))
        partitions = [{"rowCount": PARTITION_ROWS, "uncompressedSize": size}] * self.count
        metadata = {"numRows": rows, "format": "jsonv2", "partitionInfo": partitions, "rowType": COLUMNS}
        return _json({"code": "090001", "statementHandle": HANDLE, "resultSetMetaData": metadata, "data": part})

    def answer(self, head: str) -> bytes:
        """Return the whole answer to a request with this head."""
        target = head.split(" ")[1]
        if "async=true" in target:
            return _answer(202, _json({"code": "333334", "message": "running", "statementHandle": HANDLE}))
        if "partition=" in target:
            index = int(target.partition("partition=")[2].partition("&")[0])
            return _answer(200, self.bodies[index % len(self.bodies)], "Content-Encoding: gzip\r\n")
        return _answer(200, self.first)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _answer(status: int, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(rows: int) -> None:
    """Serve until standard input ends."""
    account = Account(rows)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = head.lower().partition("content-length:")[2].partition("\r\n")[0].strip()
                await reader.readexactly(int(length or 0))
                writer.write(account.answer(head))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    listener = await asyncio.start_server(connection, "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
