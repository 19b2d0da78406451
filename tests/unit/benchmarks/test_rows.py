# SPDX-License-Identifier: Apache-2.0
"""The rows and how they are chosen, measured and written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from support import need

from benchmarks import build, loads, process, report, rounds, run, targets
from benchmarks.bench import Bench
from benchmarks.loads import LOADS, Measured
from benchmarks.machine import Quiet, Watch
from benchmarks.process import CannotMeasureError
from benchmarks.rows import LIMITS, ROWS, Row, Work

ROOT = Path(__file__).parents[3]


def test_every_row_can_be_measured():
    keys = [row.key for row in ROWS] + [limit.key for limit in LIMITS]
    assert len(keys) == len(set(keys))
    for row in ROWS:
        assert {row.ours, row.peer} <= LOADS.keys()
        assert row.target in targets.TARGETS
    assert {limit.measure for limit in LIMITS} == run.MEASURES.keys()


def test_list_shows_names_and_bars():
    words = [sys.executable, "benchmarks/run.py", "--list", "--only", "nbd/*/4k*"]
    printed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in printed] == [
        "nbd/responder/4k-random-read-d32",
        "nbd/responder/4k-random-write-d32",
    ]
    assert "at least 4 of qemu-nbd" in printed[0]


def test_a_pattern_that_fits_nothing_is_an_error():
    assert run.main(["--only", "no-such-row"]) == 2


@pytest.mark.parametrize("words", [["--rounds", "0"], ["--seconds", "-1"], ["--rounds", "many"]])
def test_numbers_are_checked(words: list[str]):
    with pytest.raises(SystemExit):
        run.main(words)


def test_fio_is_read_behind_what_its_engines_say():
    side = {"total_ios": 4000, "runtime": 2000, "clat_ns": {"percentile": {"50.000000": 8000, "99.000000": 20500}}}
    job = {"error": 0, "read": side, "usr_cpu": 10.0, "sys_cpu": 15.0, "job_runtime": 2000}
    printed = "fio: a note\n" + json.dumps({"jobs": [job]})
    work = Work("read", "random", 4096, 8)
    found = loads._fio_result(loads._fio_json(printed), work, {"server": 1.0})
    assert found == Measured(2.0, 4000, 4096, 8.0, 20.5, {"server": 1.0, "fio": 0.5})
    assert found.iops == 2000
    assert found.own_cpu == 1.0
    with pytest.raises(CannotMeasureError, match="error 5"):
        loads._fio_result({"jobs": [{**job, "error": 5}]}, work, {})
    with pytest.raises(CannotMeasureError, match="no JSON"):
        loads._fio_json("nothing here")


def test_processor_time_is_counted(tmp_path: Path):
    code = "import signal, time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsignal.pause()"
    with process.running([sys.executable, "-c", code], tmp_path / "log", stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        assert process.cpu_seconds(running.pid) >= 0.3
        assert process.alive(running.pid)
        assert 0 < process.private_memory(running.pid) <= process.resident_memory(running.pid)
    assert not process.alive(running.pid)


def test_what_cannot_be_run_says_why(tmp_path: Path):
    with pytest.raises(CannotMeasureError, match="not installed"):
        process.run([tmp_path / "nothing"])
    with pytest.raises(CannotMeasureError, match="ended with 3: so it is"):
        process.run(["sh", "-c", "echo so it is >&2; exit 3"])
    with pytest.raises(CannotMeasureError, match="did not end within"):
        process.run(["sh", "-c", "sleep 60 & wait"], timeout=0.2)


def test_a_run_from_rows_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One short round of both sides on the real responder; what runs is gone afterwards."""
    need.program("cc")
    if not Path("/usr/include/iscsi/iscsi.h").exists():
        need.missing("libiscsi-dev", "libiscsi's header is not there")
    monkeypatch.setattr(build, "OUT", tmp_path / "built")
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    watch = Watch()
    broken = Row("test", "responder", Work("write", "random", 4096, 1), "libiscsi", "iscsi-perf", 1.0)
    tools = build.build()
    assert not tools.problems
    with Bench(tools) as bench:
        rows = [ROWS[0], broken] if shutil.which("iscsi-perf") else [ROWS[0]]
        series = rounds.measure(bench, rows, 2, 0.2, watch, lambda _text: None)
        pid = targets.get(bench, "responder").pid
        folder = bench.folder
    assert not process.alive(pid)
    assert not folder.exists()
    assert len(series[0].rounds) == 2
    assert series[0].rounds[0].ours.own_cpu > 0
    assert [len(one.rounds) for one in series[1:]] == [0] * len(series[1:])  # iscsi-perf cannot write, and says so
    path = report.write(report.as_json(series, [], watch, {}), whole=False)
    found = json.loads(path.read_text())
    assert path.name.endswith("-part.json")
    assert found["rows"][0]["summary"]["verdict"]["word"] == "too few rounds"
    assert found["rows"][0]["rounds"][0]["ours"]["cpu_us_per_command"].keys() == {"initiator", "target"}
    console = Console(width=200, record=True, quiet=True)
    report.show(console, series, [], watch)


def test_the_table_shows_ratio_bar_and_verdict():
    one = rounds.Series(ROWS[0])
    for _ in range(5):
        pair = (Measured(1.0, ios, 4096, 1, 2, {"initiator": 0.5, "target": 0.2}) for ios in (26_000, 20_000))
        one.rounds.append(rounds.Round(*pair, Quiet(0.0, 0.01)))
    console = Console(width=200, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - closed with the console
    limit = report.LimitResult(LIMITS[0], (5.0,))
    report.show(console, [one], [limit, report.LimitResult(LIMITS[1], (), "no right")], Watch(calibrations=[0.01]))
    text = console.export_text()
    for word in ("26,000", "20,000", "1.30", "met", "libiscsi", "not measured: no right", "5 MiB"):
        assert word in text
    console.file.close()
