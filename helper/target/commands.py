# SPDX-License-Identifier: Apache-2.0
"""SCSI commands on the wire: gathering a write's data, sending a read's, task management (RFC 7143, 11.3 to 11.8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from . import unit as units
from .pdu import NO_TAG, Op, Pdu
from .sense import CRC_ERROR, GOOD, UNEXPECTED_DATA, WRONG_AMOUNT, Result, Sense
from .session import Burst, Task

if TYPE_CHECKING:
    from .connection import Connection

#: Above this no buffer is made for a command, whatever it promises.
MAX_WRITE = 64 << 20
READ, WRITE = 0x40, 0x20
PROTOCOL_ERROR, BAD_DATA_DIGEST, TASK_IN_PROGRESS = 4, 2, 7


def on_command(connection: Connection, request: Pdu) -> None:
    """A SCSI command arrives, perhaps with data in it."""
    session = connection.in_session
    if request.itt in session.tasks:
        connection.reject(request, TASK_IN_PROGRESS)
        return
    if request.flags & WRITE and request.edtl > MAX_WRITE:
        connection.reject(request, PROTOCOL_ERROR)
        connection.close()
        return
    task = Task(connection, request)
    session.tasks[request.itt] = task
    if request.flags & WRITE:
        _begin_write(task)

    def admitted() -> None:
        task.admitted = True
        _go_on(task)

    session.admit(request, admitted)


def _begin_write(task: Task) -> None:
    request, session = task.command, task.connection.in_session
    unit = session.unit(request.lun)
    task.needed = min(request.edtl, unit.data_out_length(request.cdb) if unit else 0)
    task.buffer = bytearray(request.edtl)
    task.unsolicited = not request.final
    _place(task, 0, request.data)


def _place(task: Task, offset: int, data: bytes | memoryview) -> None:
    task.buffer[offset : offset + len(data)] = data
    task.received += len(data)


def _fault(task: Task) -> Sense | None:
    """Return what is wrong with the unsolicited data of a command (11.4.7.2, 13.10, 13.11, 13.14), if anything."""
    agreed, request = task.connection.in_session.agreed, task.command
    if request.data and not agreed.yes("ImmediateData"):
        return UNEXPECTED_DATA
    if task.unsolicited and agreed.yes("InitialR2T"):
        return UNEXPECTED_DATA
    if not task.planned and task.received > min(agreed.number("FirstBurstLength"), request.edtl):
        return WRONG_AMOUNT
    return None


def _go_on(task: Task) -> None:
    """Take the next step of a command: ask for data, or execute it."""
    if not task.admitted:
        return
    fault = _fault(task) if task.command.flags & WRITE else None
    if fault is not None:
        finish(task, Result.check(fault))
        return
    if task.unsolicited:
        return
    if not task.planned:
        _plan(task)
    if task.plan or task.bursts:
        _ask(task)
    else:
        _execute(task)


def _plan(task: Task) -> None:
    task.planned = True
    if not task.command.flags & WRITE:
        return
    burst = task.connection.in_session.agreed.number("MaxBurstLength")
    pieces = [(offset, min(burst, task.needed - offset)) for offset in range(task.received, task.needed, burst)]
    task.plan.extend(task.connection.server.script.plan_r2t(task.connection, pieces))


def _ask(task: Task) -> None:
    """Send as many R2Ts as may be open at once (13.17)."""
    connection = task.connection
    while task.plan and len(task.bursts) < connection.in_session.agreed.number("MaxOutstandingR2T"):
        offset, length = task.plan.popleft()
        ttt, connection.next_ttt = connection.next_ttt, connection.next_ttt + 1
        task.bursts[ttt] = Burst(offset, length)
        request = task.command
        out = Pdu.make(Op.R2T, itt=task.itt, ttt=ttt, lun=request.lun, offset=offset, desired=length)
        out.r2t_sn, task.r2t_sn = task.r2t_sn, task.r2t_sn + 1
        connection.send(out)


def on_data_out(connection: Connection, request: Pdu) -> None:
    """Data of a write arrives."""
    task = connection.in_session.tasks.get(request.itt)
    if task is None:
        return  # its task was aborted or has ended with an error: what is still on its way is dropped
    if request.offset + len(request.data) > len(task.buffer):
        _protocol_error(connection, request)
    elif request.ttt == NO_TAG:
        _unsolicited(task, request)
    elif request.ttt in task.bursts:
        _solicited(task, request)
    else:
        _protocol_error(connection, request)


def _unsolicited(task: Task, request: Pdu) -> None:
    if not task.unsolicited:
        _protocol_error(task.connection, request)
        return
    task.lost_data |= request.data_sn != task.unsolicited_sn
    task.unsolicited_sn += 1
    _place(task, request.offset, request.data)
    if request.final:
        task.unsolicited = False
        if task.lost_data:
            finish(task, Result.check(CRC_ERROR))
            return
    _go_on(task)


def _solicited(task: Task, request: Pdu) -> None:
    burst = task.bursts[request.ttt]
    inside = burst.offset <= request.offset and request.offset + len(request.data) <= burst.offset + burst.length
    if not inside:
        _protocol_error(task.connection, request)
        return
    task.lost_data |= request.data_sn != burst.next_sn
    burst.next_sn += 1
    burst.received += len(request.data)
    _place(task, request.offset, request.data)
    if not request.final:
        return
    del task.bursts[request.ttt]
    if task.lost_data:
        finish(task, Result.check(CRC_ERROR))
    elif burst.received != burst.length:
        finish(task, Result.check(WRONG_AMOUNT))
    else:
        _go_on(task)


def _protocol_error(connection: Connection, request: Pdu) -> None:
    connection.reject(request, PROTOCOL_ERROR)
    connection.close()


def bad_digest(connection: Connection, request: Pdu) -> None:
    """A data digest did not fit: the PDU is rejected, and its task ends (7.8)."""
    connection.reject(request, BAD_DATA_DIGEST)
    task = connection.in_session.tasks.get(request.itt)
    if request.op == Op.DATA_OUT and task is not None:
        finish(task, Result.check(CRC_ERROR))


def _execute(task: Task) -> None:
    connection, request = task.connection, task.command
    data = memoryview(task.buffer)[: task.needed]
    result = connection.server.script.execute(connection, request.lun, request.cdb, bytes(data) if data else b"")
    finish(task, result or _run(task, data))


def _run(task: Task, data: memoryview) -> Result:
    session, request = task.connection.in_session, task.command
    unit = session.unit(request.lun)
    if request.cdb[0] == units.REPORT_LUNS and (unit is not None or request.lun == 0):
        return units.report_luns(list(session.units), request.cdb)
    if unit is None:
        return units.without_unit(request.cdb)
    return unit.execute(session.number, request.cdb, data)


def finish(task: Task, result: Result) -> None:
    """End a command: its data, then its status, the two in one PDU where that can be (11.7.3)."""
    if task.connection.in_session.tasks.pop(task.itt, None) is not task:
        return  # it was aborted meanwhile
    sent = _send_data(task, result) if task.command.flags & READ else 0
    if sent < 0:  # the last Data-In carried the status
        return
    residual_flags, residual = _residual(task, result)
    body = len(result.sense).to_bytes(2, "big") + result.sense if result.sense else b""
    out = Pdu.make(Op.SCSI_RESPONSE, body, itt=task.itt, status=result.status)
    out.flags |= residual_flags
    out.residual = residual
    out.data_sn = sent  # ExpDataSN: Data-In only (11.4.8)
    task.connection.send(out)


def _residual(task: Task, result: Result) -> tuple[int, int]:
    """Return the O or U flag and the residual count (11.4.5)."""
    expected = task.command.edtl if task.command.flags & (READ | WRITE) else 0
    if result.wanted is not None:
        wanted = result.wanted
    else:
        wanted = task.needed if task.command.flags & WRITE else len(result.data)
    if wanted > expected:
        return 0x04, wanted - expected
    return (0x02, expected - wanted) if wanted < expected else (0, 0)


def _send_data(task: Task, result: Result) -> int:
    """Send a read's data; returns how many PDUs it took, -1 when the last one carried the status as well."""
    connection, request = task.connection, task.command
    data = memoryview(result.data)[: request.edtl]
    pieces = connection.server.script.plan_data_in(connection, list(_data_pieces(task, len(data))))
    with_status = result.status == GOOD and bool(pieces)
    for number, (offset, length) in enumerate(pieces):
        last = number == len(pieces) - 1
        out = Pdu.make(
            Op.DATA_IN, data[offset : offset + length], itt=task.itt, ttt=NO_TAG, data_sn=number, offset=offset
        )
        burst = connection.in_session.agreed.number("MaxBurstLength")
        out.final = last or (offset + length) % burst == 0
        if last and with_status:
            flags, out.residual = _residual(task, result)
            out.flags |= 0x01 | flags
            out.status = result.status
        connection.send(out)
    return -1 if with_status else len(pieces)


def _data_pieces(task: Task, length: int) -> Iterator[tuple[int, int]]:
    """Cut data at the initiator's segment length and at the ends of bursts."""
    agreed = task.connection.in_session.agreed
    burst, offset = agreed.number("MaxBurstLength"), 0
    while offset < length:
        piece = min(agreed.their_mrdsl, length - offset, burst - offset % burst)
        yield offset, piece
        offset += piece


# -- task management (11.5, 11.6) -----------------------------------------------------------------------------------
COMPLETE, NO_TASK, NO_LUN, FUNCTION_NOT_SUPPORTED = 0, 1, 2, 5


def on_task_request(connection: Connection, request: Pdu) -> None:
    """A task management request arrives."""

    def answer() -> None:
        function = _FUNCTIONS.get(request.flags & 0x7F)
        code = FUNCTION_NOT_SUPPORTED if function is None else function(connection, request)
        connection.send(Pdu.make(Op.TASK_RESPONSE, itt=request.itt, response=code))
        if request.flags & 0x7F == 7:  # cold reset: 11.5.1, all connections of all sessions
            connection.server.cut_connections(connection.in_session.target)

    connection.in_session.admit(request, answer)


def _abort_task(connection: Connection, request: Pdu) -> int:
    gone = connection.in_session.drop_tasks(lambda task: task.itt == request.ref_tag)
    return COMPLETE if gone else NO_TASK


def _abort_set(connection: Connection, request: Pdu) -> int:
    session = connection.in_session
    if session.unit(request.lun) is None:
        return NO_LUN
    session.drop_tasks(lambda task: task.command.lun == request.lun)
    return COMPLETE


def _reset_unit(connection: Connection, request: Pdu) -> int:
    unit = connection.in_session.unit(request.lun)
    if unit is None:
        return NO_LUN
    for session in connection.server.sessions_of(connection.in_session.target):
        session.drop_tasks(lambda task: task.command.lun == request.lun)
    unit.reset()
    return COMPLETE


def _reset_target(connection: Connection, request: Pdu) -> int:
    for session in connection.server.sessions_of(connection.in_session.target):
        session.drop_tasks(lambda _: True)
    for unit in connection.in_session.units.values():
        unit.reset()
    return COMPLETE


_FUNCTIONS: Mapping[int, Callable[[Connection, Pdu], int]] = {
    1: _abort_task,
    2: _abort_set,
    4: _abort_set,
    5: _reset_unit,
    6: _reset_target,
    7: _reset_target,
}
