# SPDX-License-Identifier: Apache-2.0
"""A session of which nothing is asked leaves the computer alone: it wakes for what it has to ask, and for answers."""

from __future__ import annotations

from collections.abc import Callable

from conformance.harness import Lab
from lundock.helper.target.pdu import Op

MakeLab = Callable[..., Lab]
PINGS, PATIENCE, LOOKS = 8, 5, 30


def sleeps(lab: Lab) -> float:
    """For how long it would sleep now, if nothing came."""
    timers = [timer.when for _, _, timer in lab.loop._timers if timer.callback is not None]
    return min(timers) - lab.clock.monotonic()


def idle(make_lab: MakeLab, looks: int = 0) -> Lab:
    lab = make_lab(settings={"ping_interval": PINGS, "ping_timeout": PATIENCE, "look_interval": looks})
    lab.start()
    lab.until(lambda: lab.host.state == "connected")
    lab.later(1, lambda: sleeps(lab) > 1)
    lab.server.wire.clear()
    return lab


def wake(lab: Lab, op: int) -> None:
    """Let it sleep out, ask, and take the answer."""
    asked = len(lab.received(op))
    lab.clock.jump(sleeps(lab) + 0.001)
    lab.await_received(op, asked + 1)


def sleeps_until_the_next_ping(lab: Lab) -> bool:
    return PINGS - 1 < sleeps(lab) <= PINGS


def test_an_idle_session_wakes_for_its_pings_and_their_answers_only(make_lab: MakeLab):
    lab = idle(make_lab)
    for _ in range(3):
        wake(lab, Op.NOP_OUT)
        lab.until(lambda: sleeps_until_the_next_ping(lab))
    assert len(lab.received()) == 3


def test_a_look_at_a_unit_takes_the_place_of_a_ping(make_lab: MakeLab):
    lab = idle(make_lab, LOOKS)
    for _ in range(LOOKS // PINGS):
        wake(lab, Op.NOP_OUT)
        lab.until(lambda: sleeps(lab) > PATIENCE)
    wake(lab, Op.SCSI_COMMAND)
    lab.until(lambda: sleeps_until_the_next_ping(lab))
    assert len(lab.received(Op.NOP_OUT)) == LOOKS // PINGS


def test_a_target_that_is_lost_in_quiet_times_is_found_when_the_ping_says_so(make_lab: MakeLab):
    lab = idle(make_lab)
    wake(lab, Op.NOP_OUT)
    lab.until(lambda: sleeps_until_the_next_ping(lab))
    answered = lab.clock.monotonic()
    lab.play.when_sending(Op.NOP_IN, lambda _pdu: [])
    wake(lab, Op.NOP_OUT)
    while lab.host.state == "connected":
        lab.clock.jump(sleeps(lab) + 0.001)
        lab.loop.run_once(0)
    assert PINGS + PATIENCE - 1 < lab.clock.monotonic() - answered < PINGS + PATIENCE + 1
