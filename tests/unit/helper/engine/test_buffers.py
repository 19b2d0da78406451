# SPDX-License-Identifier: Apache-2.0
"""The pool, and the queue before a socket that takes what it likes."""

import random

import pytest
from lundock.helper.engine.buffers import PAYLOAD_AT, Pool, SendQueue, Unsent
from support.wire import Sink


def test_buffers_are_used_again_and_what_lies_idle_is_bounded():
    pool = Pool(keep=200_000)
    first = pool.get(70_000)
    assert first.size == 73728
    assert len(first.view) == PAYLOAD_AT + first.size
    first.release()
    assert pool.get(73_728) is first
    others = [pool.get(131072) for _ in range(3)]
    for buffer in [first, *others]:
        buffer.release()
    assert pool._idle == 73728
    pool.keep(70_000)
    assert pool._idle == 0
    assert pool.get(70_000) is not first


@pytest.mark.parametrize("length", [0, 1, 4096, 4097, 65536, 65537, 1 << 20, (1 << 20) + 1, 3_333_333, 32 << 20])
def test_a_buffer_is_hardly_larger_than_what_it_is_for(length):
    size = Pool().get(length).size
    assert size % 4096 == 0
    assert length <= size <= max(length + length // 8, length + 4096)


def test_headers_and_payloads_leave_in_order_whatever_the_socket_takes():
    source = random.Random(3)
    queue, sink, expected = SendQueue(size=256), Sink(), b""
    sink.room = 0
    for _ in range(2000):
        header = source.randbytes(16)
        queue.reserve(16)
        queue.headers[queue.at : queue.at + 16] = header
        queue.at += 16
        expected += header
        if source.random() < 0.5:
            payload = source.randbytes(source.randrange(1, 3000))
            queue.add(memoryview(payload))
            expected += payload
        if source.random() < 0.3:
            sink.room += source.randrange(4000)
            done = queue.flush(sink)
            assert done is (queue.waiting == 0) is queue.empty
    sink.room = 1 << 40
    assert queue.flush(sink)
    assert bytes(sink.data) == expected
    assert queue.sent == len(expected)


def test_owners_are_released_when_their_part_was_sent_and_not_before():
    pool, queue, sink = Pool(), SendQueue(), Sink()
    one, two = pool.get(1000), pool.get(1000)
    queue.add(one.payload(1000), one)
    queue.add(two.payload(1000), two)
    sink.room = 1500
    assert not queue.flush(sink)
    assert pool._free == {one.size: [one]}
    sink.room = 500
    assert queue.flush(sink)
    assert pool._free == {one.size: [one, two]}


def test_what_was_borrowed_is_copied_when_it_has_to_wait():
    queue, sink, borrowed = SendQueue(), Sink(), bytearray(b"a" * 100)
    kept = bytearray(b"k" * 100)
    queue.add(memoryview(borrowed)[:50])
    queue.add(memoryview(kept)[:50])
    sink.room = 10
    queue.flush(sink)
    queue.detach_from(borrowed)
    borrowed[:] = kept[:] = b"x" * 100
    sink.room = 1000
    queue.flush(sink)
    assert bytes(sink.data) == b"a" * 50 + b"x" * 50


def test_more_small_parts_than_one_system_call_takes_leave_in_order():
    queue, sink = SendQueue(), Sink()
    parts = [b"%04d" % number for number in range(3000)]
    for part in parts:
        queue.add(part)
    assert queue.queued == 12000
    assert queue.flush(sink)
    assert bytes(sink.data) == b"".join(parts)
    assert queue.queued == 0


def test_what_is_unsent_is_counted_until_it_is_sent_though_the_queue_is_never_empty():
    queue, sink = SendQueue(), Sink()
    unsent = Unsent(queue)
    sink.room, most = 0, 0
    queue.add(bytes(10))
    for _ in range(100):
        most = max(most, unsent.add(1))
        queue.add(bytes(10))
        sink.room = 10
        assert not queue.flush(sink)
    assert 0 < most <= 4  # two wait all the time
    for _ in range(50):  # and when nothing is taken, nothing is forgotten
        count = unsent.add(1)
        queue.add(bytes(10))
    assert count >= 50
    sink.room = 1 << 20
    assert queue.flush(sink)
    assert unsent.add(1) == 1
