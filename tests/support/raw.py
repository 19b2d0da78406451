# SPDX-License-Identifier: Apache-2.0
"""A few bytes of an initiator: for tests that want to say things to a target that no initiator would say."""

from __future__ import annotations

import io
import socket
from types import TracebackType
from typing import Self

from lundock.helper.target import keys, pdu
from lundock.helper.target.pdu import NO_TAG, Op, Pdu

INITIATOR = "iqn.2026-01.io.github.lundock.test:raw"
ISID = 0x800000000001

#: Enough for a session in which nothing is a default.
OPERATIONAL = {
    "HeaderDigest": "None",
    "DataDigest": "None",
    "InitialR2T": "No",
    "ImmediateData": "Yes",
    "MaxRecvDataSegmentLength": "65536",
    "MaxBurstLength": "131072",
    "FirstBurstLength": "65536",
    "MaxOutstandingR2T": "4",
}


class RawInitiator:
    """A connection that sends and receives single PDUs."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.sock = socket.create_connection((host, port), timeout=10)
        self._stream = io.BufferedReader(self.sock.makefile("rb", buffering=0))
        self.cmd_sn = 1
        self.itt = 1
        self.header_digest = self.data_digest = False

    def send(self, out: Pdu) -> None:
        """Send a PDU as it is."""
        self.sock.sendall(out.pack(header_digest=self.header_digest, data_digest=self.data_digest))

    def receive(self) -> Pdu:
        """Return the next PDU; Disconnected at the end."""
        return pdu.read(self._stream, 1 << 24, header_digest=self.header_digest, data_digest=self.data_digest)

    def closed(self) -> bool:
        """Whether the target has closed: waits for it."""
        try:
            return not self._stream.read(1)
        except ConnectionResetError:
            return True

    def login(self, target: str | None, stage: int = 1, *, tsih: int = 0, cid: int = 0, **operational: str) -> Pdu:
        """Sign in without authentication, in one exchange; returns the response."""
        who = {"InitiatorName": INITIATOR}
        who |= {"SessionType": "Discovery"} if target is None else {"SessionType": "Normal", "TargetName": target}
        text = keys.pack({**who, **OPERATIONAL, **operational}.items())
        out = Pdu.make(Op.LOGIN_REQUEST, text, isid=ISID, tsih=tsih, cid=cid, itt=0, cmd_sn=self.cmd_sn)
        out.immediate = True
        out.flags = 0x80 | stage << 2 | 3
        self.send(out)
        return self.receive()

    def command(self, cdb: bytes, *, lun: int = 0, read: int = 0, data: bytes = b"", write: int | None = None) -> Pdu:
        """Send a SCSI command with all its data in it (`write` bytes are promised); returns what was sent."""
        total = len(data) if write is None else write
        out = Pdu.make(Op.SCSI_COMMAND, data, lun=lun << 48, itt=self.itt, edtl=total or read, cmd_sn=self.cmd_sn)
        out.flags = 0x80 | (0x40 if read else 0) | (0x20 if total else 0)
        out.bhs[32 : 32 + len(cdb)] = cdb
        self.itt += 1
        self.cmd_sn += 1
        self.send(out)
        return out

    def numbered(self, op: int, data: bytes = b"", **fields: int | bool) -> Pdu:
        """Send another non-immediate request; returns what was sent."""
        out = Pdu.make(op, data, itt=self.itt, cmd_sn=self.cmd_sn, **fields)
        self.itt += 1
        self.cmd_sn += 1
        self.send(out)
        return out

    def text(self, **pairs: str) -> Pdu:
        """Send a text request and return the first response."""
        self.numbered(Op.TEXT_REQUEST, keys.pack(pairs.items()), ttt=NO_TAG)
        return self.receive()

    def close(self) -> None:
        """Close it."""
        self._stream.close()
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
