# SPDX-License-Identifier: Apache-2.0
"""What an initiator sends: functions that return the 48 bytes of the header.

`data_length` is the length of the data segment that follows it, which the caller pads (`codes.padding`).
"""

from __future__ import annotations

import struct

from .codes import CONTINUE, FINAL, IMMEDIATE, NO_TAG, TRANSIT, Attribute, Opcode

#: 11.3: opcode, flags, lengths, LUN, ITT, Expected Data Transfer Length, CmdSN, ExpStatSN, CDB.
SCSI_COMMAND = struct.Struct(">BB2xIQIIII16s")
#: 11.7: opcode, flags, lengths, LUN, ITT, TTT, ExpStatSN, DataSN, Buffer Offset.
DATA_OUT = struct.Struct(">BB2xIQII4xI4xII4x")
#: 11.18, 11.10: opcode, flags, lengths, LUN, ITT, TTT, CmdSN, ExpStatSN.
TAGGED = struct.Struct(">BB2xIQIIII16x")
#: 11.5: opcode, flags and function, lengths, LUN, ITT, Referenced Task Tag, CmdSN, ExpStatSN, RefCmdSN, ExpDataSN.
TASK_MANAGEMENT = struct.Struct(">BB2xIQIIIIII8x")
#: 11.14: opcode, flags and reason, lengths, ITT, CID, CmdSN, ExpStatSN.
LOGOUT = struct.Struct(">BB2xI8xIH2xII16x")
#: 11.12: opcode, flags, Version-max, Version-min, lengths, ISID, TSIH, ITT, CID, CmdSN, ExpStatSN.
LOGIN = struct.Struct(">BBBBI6sHIH2xII16x")
#: 11.16: opcode, flags and type, lengths, LUN, ITT, TTT or SNACK tag, ExpStatSN, BegRun, RunLength.
SNACK = struct.Struct(">BB2xIQII4xI8xII")


def scsi_command(
    *,
    lun: int,
    itt: int,
    cdb: bytes,
    expected_length: int = 0,
    cmd_sn: int,
    exp_stat_sn: int,
    flags: int = FINAL,
    attribute: int = Attribute.SIMPLE,
    immediate: bool = False,
    data_length: int = 0,
) -> bytes:
    """11.3. `flags`: FINAL, READ, WRITE as 11.3.1 wants them; `cdb` of 16 bytes or less."""
    opcode = Opcode.SCSI_COMMAND | (IMMEDIATE if immediate else 0)
    flags |= attribute
    return SCSI_COMMAND.pack(opcode, flags, data_length, lun, itt, expected_length, cmd_sn, exp_stat_sn, cdb)


def data_out(
    *,
    lun: int,
    itt: int,
    ttt: int = NO_TAG,
    exp_stat_sn: int,
    data_sn: int,
    offset: int,
    data_length: int,
    final: bool,
) -> bytes:
    """11.7. For unsolicited data the TTT is NO_TAG; otherwise TTT and LUN are the R2T's."""
    flags = FINAL if final else 0
    return DATA_OUT.pack(Opcode.DATA_OUT, flags, data_length, lun, itt, ttt, exp_stat_sn, data_sn, offset)


def nop_out(
    *,
    itt: int = NO_TAG,
    ttt: int = NO_TAG,
    lun: int = 0,
    cmd_sn: int,
    exp_stat_sn: int,
    immediate: bool = True,
    data_length: int = 0,
) -> bytes:
    """11.18. Without an ITT it must be immediate; with a TTT both TTT and LUN are the NOP-In's."""
    opcode = Opcode.NOP_OUT | (IMMEDIATE if immediate else 0)
    return TAGGED.pack(opcode, FINAL, data_length, lun, itt, ttt, cmd_sn, exp_stat_sn)


def text_request(
    *,
    itt: int,
    ttt: int = NO_TAG,
    lun: int = 0,
    cmd_sn: int,
    exp_stat_sn: int,
    final: bool = True,
    more: bool = False,
    immediate: bool = False,
    data_length: int = 0,
) -> bytes:
    """11.10. `more` is the C bit; with it F is 0 (11.10.2)."""
    opcode = Opcode.TEXT | (IMMEDIATE if immediate else 0)
    flags = CONTINUE if more else FINAL if final else 0
    return TAGGED.pack(opcode, flags, data_length, lun, itt, ttt, cmd_sn, exp_stat_sn)


def task_management(
    function: int,
    *,
    lun: int,
    itt: int,
    referenced: int = NO_TAG,
    cmd_sn: int,
    ref_cmd_sn: int = 0,
    exp_data_sn: int = 0,
    exp_stat_sn: int,
    immediate: bool = True,
) -> bytes:
    """11.5. `referenced` and `ref_cmd_sn` as 11.5.4 and 11.5.5 want them for the function."""
    opcode = Opcode.TASK_MANAGEMENT | (IMMEDIATE if immediate else 0)
    values = (itt, referenced, cmd_sn, exp_stat_sn, ref_cmd_sn, exp_data_sn)
    return TASK_MANAGEMENT.pack(opcode, FINAL | function, 0, lun, *values)


def logout_request(
    reason: int, *, itt: int, cid: int = 0, cmd_sn: int, exp_stat_sn: int, immediate: bool = True
) -> bytes:
    """11.14. `cid` is only valid for the reasons that name a connection."""
    opcode = Opcode.LOGOUT | (IMMEDIATE if immediate else 0)
    return LOGOUT.pack(opcode, FINAL | reason, 0, itt, cid, cmd_sn, exp_stat_sn)


def login_request(
    *,
    isid: bytes,
    tsih: int,
    itt: int,
    cid: int,
    cmd_sn: int,
    exp_stat_sn: int,
    stage: int,
    next_stage: int | None = None,
    more: bool = False,
    data_length: int = 0,
) -> bytes:
    """11.12. `next_stage` sets T; `more` is the C bit, with which T must be 0 (11.12.2). Both versions are 0."""
    flags = stage << 2
    if more:
        flags |= CONTINUE
    elif next_stage is not None:
        flags |= TRANSIT | next_stage
    opcode = Opcode.LOGIN | IMMEDIATE
    return LOGIN.pack(opcode, flags, 0, 0, data_length, isid, tsih, itt, cid, cmd_sn, exp_stat_sn)


def snack_request(
    kind: int, *, lun: int = 0, itt: int = NO_TAG, tag: int = NO_TAG, exp_stat_sn: int, begin: int = 0, count: int = 0
) -> bytes:
    """11.16. Only sent at error recovery level 1 and above."""
    return SNACK.pack(Opcode.SNACK, FINAL | kind, 0, lun, itt, tag, exp_stat_sn, begin, count)
