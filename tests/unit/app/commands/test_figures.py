# SPDX-License-Identifier: Apache-2.0
"""`lundock stats`: counters and rates."""

from __future__ import annotations

import json

from lundock.app.commands.figures import latency
from support.command_line import answer, lundock
from support.fake_helper import RunningFake


def test_figures(fake: RunningFake) -> None:
    fake.connect(fake.add("backup"))
    assert {"path", "target", "lun", "reads", "read_bytes", "read_rate", "read_latency"} <= set(
        answer(fake, "stats")["luns"][0]
    )
    lines = lundock(fake, "--json", "stats", "--watch", "--count", "2", "--interval", "0.25").stdout.splitlines()
    assert [json.loads(line)["luns"][0]["read_rate"] for line in lines] == [0.0, 0.0]
    assert "backup/0\t0.0 MB/s" in lundock(fake, "stats").stdout


def test_a_latency_is_that_of_the_last_moments_else_since_the_login_else_none() -> None:
    since = {"count": 9, "p50": 100, "p99": 2000}
    assert latency(since) == "100 µs / 2.0 ms"
    assert latency(since | {"recent_count": 3, "recent_p50": 50, "recent_p99": 70}) == "50 µs / 70 µs"
    assert latency({"count": 0}) == latency(None) == "-"
