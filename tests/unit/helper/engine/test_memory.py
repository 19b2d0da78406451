# SPDX-License-Identifier: Apache-2.0
"""Shares and loans by numbers; and real fronts whose memory is counted, whatever their users do."""

import contextlib
import gc
import os
import struct
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.engine.buffers import Buffer, Pool
from lundock.helper.engine.memory import MAX_FRONTS, Memory
from support.served import Served

MIB = 1 << 20
LIMIT = 64 * MIB


@dataclass(eq=False)
class User:
    patient: bool = True
    fixed: int = 0
    held: int = 0
    kept: int = 0
    max_held: int = 0

    def want(self, memory, length):
        if self.held + self.kept + length > self.max_held and not memory.lend(self, self.held + self.kept + length):
            return False
        self.held += length
        return True


def users(number, **fields):
    memory = Memory(LIMIT, Pool())
    fronts = [User(**fields) for _ in range(number)]
    for front in fronts:
        memory.join(front)
    return memory, *fronts


def test_one_front_may_have_half_of_the_memory_in_one_request():
    memory, front = users(1)
    assert memory.most == LIMIT // 2
    assert front.want(memory, LIMIT // 2)
    assert not front.want(memory, LIMIT // 8)


def test_what_is_not_needed_is_given_back():
    memory, one, two = users(2)
    assert one.want(memory, 30 * MIB)
    assert not two.want(memory, 20 * MIB)
    assert two.want(memory, memory.share)
    one.held -= 29 * MIB
    assert memory.settle()
    assert two.want(memory, 20 * MIB)
    one.held = two.held = 0
    memory.settle()
    assert memory.lent == 0
    assert one.max_held == two.max_held == memory.share


def test_who_was_refused_is_served_before_others_that_want_less():
    memory, one, two, three = users(3)
    assert one.want(memory, 20 * MIB)
    assert not two.want(memory, 30 * MIB)
    assert not three.want(memory, MIB)
    assert not one.want(memory, MIB * 4)
    one.held = 0
    assert memory.settle()
    assert not three.want(memory, MIB)
    assert two.want(memory, 30 * MIB)
    two.held = 0
    memory.settle()
    assert three.want(memory, MIB)


def test_who_cannot_leave_answers_unread_waits_for_no_one_who_can():
    memory, hostage, big = users(2)
    disk, other = User(patient=False), User(patient=False)
    memory.join(disk)
    memory.join(other)
    while hostage.want(memory, MIB):  # and it never reads
        pass
    assert not big.want(memory, 32 * MIB)
    for _ in range(20):
        taken = [front for front in (disk, other) if front.want(memory, MIB)]
        assert taken
        for front in taken:
            front.held = 0
        memory.settle()
    memory.leave(hostage)
    memory.settle()
    assert big.want(memory, 32 * MIB)


def test_a_front_that_leaves_is_waited_for_no_longer():
    memory, one, two, three = users(3)
    one.want(memory, 30 * MIB)
    assert not two.want(memory, 30 * MIB)
    memory.leave(two)
    assert three.want(memory, MIB)


def test_there_are_not_too_many():
    memory, *_ = users(MAX_FRONTS)
    with pytest.raises(Problem) as caught:
        memory.join(User())
    assert caught.value.code == "Busy"
    memory, *_ = users(8, fixed=MIB)
    with pytest.raises(Problem) as caught:
        memory.join(User(fixed=MIB))
    assert caught.value.code == "Busy"


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.data())
def test_never_more_than_the_limit_and_nobody_waits_for_ever(data):
    pool = Pool()
    memory = Memory(LIMIT, pool)
    fronts = [User(patient=data.draw(st.booleans()), fixed=200_000) for _ in range(data.draw(st.integers(1, 20)))]
    for front in fronts:
        memory.join(front)
    wanted = dict.fromkeys(range(len(fronts)), 0)
    for _ in range(25):
        index = data.draw(st.integers(0, len(fronts) - 1))
        front = fronts[index]
        wanted[index] = wanted[index] or data.draw(st.integers(1, memory.most))
        if front.want(memory, wanted[index]):
            wanted[index] = 0
        elif data.draw(st.booleans()):
            done = fronts[data.draw(st.integers(0, len(fronts) - 1))]
            done.held = done.held // 2
        memory.settle()
        assert all(one.held <= one.max_held for one in fronts)
        bound = sum(one.max_held + one.fixed for one in fronts) + pool._keep
        assert bound <= LIMIT * 14 // 16  # the rest is for rounding up
    for _ in range(len(fronts) + 2):
        for index, front in enumerate(fronts):
            if wanted[index] and front.want(memory, wanted[index]):
                wanted[index] = 0
        memory.all_asked()
        for front in fronts:
            front.held = 0
        memory.settle()
    assert not any(wanted.values())


def test_who_does_not_ask_again_is_waited_for_no_longer():
    memory, one, two, three = users(3)
    one.want(memory, 30 * MIB)
    assert not two.want(memory, 30 * MIB)
    memory.all_asked()
    assert not three.want(memory, MIB)
    memory.all_asked()
    assert three.want(memory, MIB)


# ---- real fronts -------------------------------------------------------------------------------------------------


@pytest.fixture
def in_use():
    """Count the bytes in buffers that are in use, beyond what was before."""
    gc.collect()
    gc.freeze()  # what was before is not looked at: in a whole run that is a great deal

    def count():
        gc.collect()
        return sum(len(thing.view) for thing in gc.get_objects() if type(thing) is Buffer)

    yield count
    gc.unfreeze()


def ask(sock, kind, offset, length, handle=1, data=b""):
    """Ask, as far as the socket takes it."""
    with contextlib.suppress(BlockingIOError):
        sock.send(struct.pack(">IHHQQI", 0x25609513, 0, kind, handle, offset, length) + data)


@pytest.mark.parametrize("kind", [0, 1])
def test_twenty_users_that_want_the_most_and_read_nothing(kind, in_use):
    """Each asks for 32 MiB and more, in answers of pieces, and none reads; the session's memory stays what was set."""
    served = Served(split=40_000, settings={"queue_depth": 256})
    most = served.fronts.memory.most
    assert most == 32 * MIB
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.nbd()) for _ in range(20)]
        peak = 0
        for client in clients:
            client.setblocking(False)
            ask(client, kind, 0, most, data=bytes(100_000 if kind else 0))
            for number in range(100):
                ask(client, 0, number * 7 * 512, 513 * 512)
        for _ in range(60):
            served.loop.run_once(0)
            if kind:
                for client in clients:
                    with contextlib.suppress(BlockingIOError):
                        client.send(bytes(300_000))
            peak = max(peak, in_use())
            served.work()
            peak = max(peak, in_use())
        assert MIB * 16 < peak <= LIMIT
        for front in served.fronts._fronts.values():
            assert front.held + front.kept <= front.max_held + front.max_held // 8 + 65536
    assert served.fronts.memory.lent == 0


def test_answers_that_nobody_reads_stop_the_asking_however_small_they_are():
    served = Served(limit=16 * MIB)
    with served.nbd() as client:
        client.setblocking(False)
        taken = 0
        for _ in range(100_000):
            try:
                taken += client.send(struct.pack(">IHHQQI", 0x25609513, 0, 9, 7, 0, 0) * 64)
            except BlockingIOError:
                served.loop.run_once(0)
                if not served.front._watching & 1:
                    break
        else:
            raise AssertionError("it takes everything")
        assert served.front.kept <= served.fronts.memory.most + MIB


def test_everybody_is_served_in_the_end():
    served = Served(split=1 << 18, settings={"queue_depth": 64})
    served.disk[:] = os.urandom(MIB) * 64
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.nbd()) for _ in range(6)]
        received = [bytearray() for _ in clients]
        for client in clients:
            client.setblocking(False)
            for handle in range(2):
                ask(client, 0, MIB * 16, 24 * MIB, handle)
        for _ in range(3000):
            served.loop.run_once(0)
            served.work()
            for client, data in zip(clients, received, strict=True):
                with contextlib.suppress(BlockingIOError):
                    data.extend(client.recv(4 * MIB))
            if all(len(data) == 2 * (24 * MIB + 16) for data in received):
                break
        for data in received:
            assert bytes(data[16 : 16 + MIB]) == served.disk[:MIB]
            assert len(data) == 2 * (24 * MIB + 16)
