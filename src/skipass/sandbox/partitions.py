"""Packs the rows of a result into partitions as they come, so that a large result never stands in memory as rows.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses (getting partitions).
"""

from __future__ import annotations

import json
import zlib

from skipass.sandbox.account import Switches
from skipass.sandbox.results import ResultColumn, Row
from skipass.sandbox.statements import Output, Partition

FIRST_BYTES = 1_000_000
_BATCH_ROWS = 500
_GZIP = 31


class _Packer:
    """One partition in the making: a JSON body that is compressed while it grows."""

    def __init__(self, *, bare: bool) -> None:
        self._gzip = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
        self._end = b"]" if bare else b"]}"
        self._chunks: list[bytes] = []
        self._waiting: list[Row] = []
        self.row_count = 0
        self.uncompressed = 0
        self._write(b"[" if bare else b'{"data":[')

    def add(self, row: Row) -> None:
        """Take one row."""
        self._waiting.append(row)
        self.row_count += 1
        if len(self._waiting) >= _BATCH_ROWS:
            self._flush()

    def done(self, *, first: bool) -> Partition:
        """Return the partition."""
        self._flush()
        self._write(self._end)
        self._chunks.append(self._gzip.flush())
        return Partition(self.row_count, self.uncompressed, b"".join(self._chunks), first)

    def _flush(self) -> None:
        if self._waiting:
            text = json.dumps(self._waiting, ensure_ascii=False, separators=(",", ":"))[1:-1]
            before = b"," if self.row_count > len(self._waiting) else b""
            self._write(before + text.encode())
            self._waiting = []

    def _write(self, data: bytes) -> None:
        self.uncompressed += len(data)
        self._chunks.append(self._gzip.compress(data))


class Pages:
    """Collects rows into partitions of the size the account is set to; the first is never a large one."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._partitions: list[Partition] = []
        self._packer = self._new()
        self._size = 0
        self._total = 0

    def _new(self) -> _Packer:
        return _Packer(bare=self._switches.partition_body == "array")

    def add(self, row: Row) -> None:
        """Take one row."""
        limit, bytes_limit = self._switches.partition_rows, self._switches.partition_bytes
        if not self._partitions:
            bytes_limit = min(bytes_limit, FIRST_BYTES)
        if (limit and self._packer.row_count >= limit) or self._size >= bytes_limit:
            self._turn()
        self._packer.add(row)
        self._size += sum(len(cell) + 3 if cell is not None else 5 for cell in row) + 2

    def _turn(self) -> None:
        self._partitions.append(self._packer.done(first=not self._partitions))
        self._total += self._packer.row_count
        self._packer, self._size = self._new(), 0

    def output(self, columns: list[ResultColumn]) -> Output:
        """Return all rows taken so far as an output; no rows at all make one empty partition."""
        if self._packer.row_count or not self._partitions:
            self._turn()
        return Output(columns, self._partitions, self._total)
