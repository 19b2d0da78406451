# SPDX-License-Identifier: Apache-2.0
"""The page of counters: what is written is read, and what is not in the layout is refused."""

import os
from collections.abc import Iterator

import pytest
from lundock.helper.api import statistics
from lundock.helper.api.errors import Problem
from lundock.helper.api.statistics import DISK, Reader, Writer


@pytest.fixture
def page() -> Iterator[int]:
    fd = statistics.create()
    yield fd
    os.close(fd)


def poke(fd, word, value):
    os.pwrite(fd, value.to_bytes(8, "little"), word * 8)


def test_counters_by_name(page):
    writer = Writer(page)
    writer.session[0] += 1000
    writer.session[4] += 2
    disk = writer.disk(1 << 48)
    for index in range(len(DISK)):
        disk.counters[index] += index + 1
    reader = Reader(page)
    session = reader.session()
    assert (session["bytes-received"], session["reconnects"]) == (1000, 2)
    found = reader.disks()
    assert list(found) == [1 << 48]
    assert [found[1 << 48][name] for name in DISK] == list(range(1, 10))


def test_latency_within_two_percent(page):
    writer, reader = Writer(page), Reader(page)
    disk = writer.disk(7)
    for _ in range(98):
        disk.reads[statistics.bucket(0.000_123)] += 1
    for _ in range(2):
        disk.reads[statistics.bucket(0.045)] += 1
    latency = reader.disks()[7]["read-latency"]
    assert latency["count"] == 100
    assert latency["p50"] == pytest.approx(123, rel=0.02)
    assert latency["p99"] == pytest.approx(45_000, rel=0.02)
    assert reader.disks()[7]["write-latency"] == {"count": 0, "p50": 0, "p99": 0}


@pytest.mark.parametrize(("seconds", "index"), [(0, 0), (-1, 0), (1e-9, 0), (100, 927), (1e9, 927)])
def test_every_latency_has_a_bucket(seconds, index):
    assert abs(statistics.bucket(seconds) - index) <= 3
    assert statistics.bucket(seconds) < statistics.BUCKETS


def test_a_new_writer_goes_on_where_the_old_one_died(page):
    Writer(page).disk(5).counters[0] += 3
    again = Writer(page)
    again.disk(6)
    again.disk(5).counters[0] += 1
    assert Reader(page).disks()[5]["reads"] == 4
    assert sorted(Reader(page).disks()) == [5, 6]


def test_nobody_can_change_its_size(page):
    for size in (0, statistics.SIZE - 1, statistics.SIZE + 1):
        with pytest.raises(PermissionError):
            os.ftruncate(page, size)


def test_before_the_worker_has_begun(page):
    assert Reader(page).disks() == {}
    assert Reader(page).session()["bytes-sent"] == 0


def test_another_size_is_refused():
    fd = os.memfd_create("small")
    os.ftruncate(fd, 4096)
    with pytest.raises(Problem):
        Reader(fd)
    os.close(fd)


@pytest.mark.parametrize(("word", "value"), [(0, 12345), (1, 257), (1, 2**64 - 1)])
def test_a_hostile_page_is_refused(page, word, value):
    Writer(page).disk(1)
    poke(page, word, value)
    with pytest.raises(Problem):
        Reader(page).disks()


def test_a_disk_twice_is_refused(page):
    writer = Writer(page)
    writer.disk(1)
    writer.disk(2)
    poke(page, statistics.HEADER_WORDS + statistics.DISK_WORDS, 1)
    with pytest.raises(Problem):
        Reader(page).disks()


def test_absurd_counts_stay_in_their_types(page):
    Writer(page).disk(1)
    area = statistics.HEADER_WORDS
    for word in range(1, statistics.HISTOGRAMS_AT + 2 * statistics.BUCKETS):
        poke(page, area + word, 2**64 - 1)
    found = Reader(page).disks()[1]
    assert found["in-flight"] < 2**32
    assert found["read-latency"]["count"] < 2**64
    assert found["read-latency"]["p99"] < 2**32


def test_more_disks_than_there_is_room_for_do_not_disturb_the_others(page):
    writer = Writer(page)
    for lun in range(statistics.MAX_DISKS + 5):
        writer.disk(lun).counters[0] += 1
    assert len(Reader(page).disks()) == statistics.MAX_DISKS
