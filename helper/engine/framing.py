# SPDX-License-Identifier: Apache-2.0
"""From a stream of bytes to PDUs and back (RFC 7143, 11.2): for login, discovery, and whatever is not in a hurry."""

from __future__ import annotations

import crc32c

from ..api.errors import Problem
from .pdu import BHS_SIZE, DIGEST_SIZE, padded, padding


def digest(data: bytes | bytearray | memoryview) -> bytes:
    """Return the CRC32C digest as it goes on the wire (13.1)."""
    return crc32c.crc32c(data).to_bytes(4, "little")


def assemble(header: bytes, data: bytes = b"", *, header_digest: bool = False, data_digest: bool = False) -> bytes:
    """Return a whole PDU: header, digest, data with its padding, digest (11.2.3: no data, no data digest)."""
    parts = [header]
    if header_digest:
        parts.append(digest(header))
    if data:
        segment = data + padding(len(data))
        parts.append(segment)
        if data_digest:
            parts.append(digest(segment))
    return b"".join(parts)


class PduReader:
    """Takes bytes in any pieces, gives whole PDUs; lengths are checked as soon as a header is there.

    `max_data` bounds the data segment, `max_ahs` the additional headers: responses have none (11.2), so 0.
    """

    def __init__(
        self, max_data: int, *, max_ahs: int = 0, header_digest: bool = False, data_digest: bool = False
    ) -> None:
        self.max_data = max_data
        self.max_ahs = max_ahs
        self.header_digest = header_digest
        self.data_digest = data_digest
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes; `next` says what they make."""
        self._buffer += data

    @property
    def first(self) -> int | None:
        """The first byte that is not yet taken, None when there is none."""
        return self._buffer[0] if self._buffer else None

    def take_rest(self) -> bytes:
        """Return and forget the bytes that are not yet taken."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def next(self) -> tuple[bytes, bytes] | None:
        """Return the next PDU as (48 bytes of header, data without padding), or None when more bytes are needed.

        Raises Problem("ProtocolError") for lengths out of bounds, Problem("DigestError").
        """
        buffer = self._buffer
        if len(buffer) < BHS_SIZE:
            return None
        ahs_end = BHS_SIZE + buffer[4] * 4
        length = int.from_bytes(buffer[5:8], "big")
        self._check_lengths(ahs_end - BHS_SIZE, length)
        data_start = ahs_end + (DIGEST_SIZE if self.header_digest else 0)
        if len(buffer) < data_start:
            return None
        self._check_digest("header", 0, ahs_end, on=self.header_digest)
        data_end = data_start + padded(length)
        end = data_end + (DIGEST_SIZE if self.data_digest and length else 0)
        if len(buffer) < end:
            return None
        self._check_digest("data", data_start, data_end, on=self.data_digest and length > 0)
        header, data = bytes(buffer[:BHS_SIZE]), bytes(buffer[data_start : data_start + length])
        del buffer[:end]
        return header, data

    def _check_lengths(self, ahs: int, length: int) -> None:
        if ahs > self.max_ahs:
            raise Problem("ProtocolError", detail=f"A message has {ahs} bytes of additional headers (11.2).")
        if length > self.max_data:
            detail = f"A message carries {length} bytes, and {self.max_data} are allowed (13.12)."
            raise Problem("ProtocolError", detail=detail)

    def _check_digest(self, where: str, start: int, end: int, *, on: bool) -> None:
        if on and digest(memoryview(self._buffer)[start:end].tobytes()) != self._buffer[end : end + DIGEST_SIZE]:
            raise Problem("DigestError", where=where)
