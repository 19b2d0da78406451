# SPDX-License-Identifier: Apache-2.0
"""The page about performance, and its plots."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import document, machine, report
from benchmarks.document import BEGIN, END
from benchmarks.loads import Measured
from benchmarks.machine import Quiet, Watch
from benchmarks.plot import nice_step, plot
from benchmarks.rounds import Round, Series
from benchmarks.rows import LIMITS, ROWS
from benchmarks.sweep import SIDES, SWEEPS, Point

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    pair = (Measured(1.0, ios, 4096, 1, 2, {"initiator": 0.5}) for ios in (26_000, 20_000))
    one = Series(ROWS[0], [Round(*pair, Quiet(0.0, 0.01))] * 5)
    never = Series(ROWS[1], [], ["the wire broke", "the wire broke"])
    limits = [report.LimitResult(LIMITS[0], (5.5,)), report.LimitResult(LIMITS[1], (), "no right to")]
    about = {"machine": machine.describe(), "programs": {"fio": "3.33"}, "rounds_asked": 5, "seconds": 2.5}
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(report.as_json([one, never], limits, Watch(calibrations=[0.01]), about)))
    return file


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    points = [
        asdict(Point(sweep.key, x, side, 1000.0 * x, 4.0 * x, 20.0 / x, 3.0, 50, 90))
        for sweep in SWEEPS
        for x, _, _ in sweep.points
        for side in SIDES
    ]
    about = {"machine": machine.describe(), "programs": {}, "rounds_asked": 3, "seconds": 1.5}
    file = tmp_path / "sweep.json"
    file.write_text(json.dumps({**about, "sweeps": points}))
    return file


def test_what_people_wrote_stays(tmp_path: Path, rows_file: Path, sweep_file: Path):
    page = tmp_path / "docs" / "performance.md"
    page.parent.mkdir()
    page.write_text(f"# Title\n\nMine.\n\n{BEGIN}\nold\n{END}\n\n## What did not help\n", "utf-8")
    document.write([rows_file, sweep_file], page)
    text = page.read_text("utf-8")
    assert text.startswith("# Title\n\nMine.\n")
    assert text.endswith("## What did not help\n")
    assert "old" not in text
    assert "| 26,000 | 20,000 | 1.30 |" in text
    assert "| not here: no right to |" in text
    assert f"Not measured here: {ROWS[1].key}: the wire broke." in text
    for image in (page.parent / "images").iterdir():
        assert f"(images/{image.name})" in text
        assert len(ET.parse(image).getroot().findall(f"{SVG}polyline")) == 2
    assert text.count("![") == 6
    document.write([rows_file, sweep_file], page)
    assert page.read_text("utf-8") == text


def test_a_page_is_made(tmp_path: Path, rows_file: Path):
    assert document.write([rows_file], tmp_path / "new" / "page.md").read_text("utf-8").startswith("# How fast it is")


def test_a_page_without_the_marks_is_left_alone(tmp_path: Path, rows_file: Path):
    page = tmp_path / "page.md"
    page.write_text("no marks", "utf-8")
    with pytest.raises(ValueError, match="marks"):
        document.write([rows_file], page)
    assert page.read_text("utf-8") == "no marks"


@pytest.mark.parametrize(("highest", "step"), [(5, 1), (260_000, 100_000), (0.9, 0.2), (7.5, 2), (0, 1)])
def test_steps_of_an_axis(highest: float, step: float):
    assert nice_step(highest) == pytest.approx(step)


def test_a_plot_is_in_its_frame_and_its_text_is_escaped():
    root = ET.fromstring(
        plot("a < b", "x & y", "rate", {"one <1>": [(1, 5), (4, 10), (2, 0)], "two": [(1, 1), (4, 1)]})
    )
    assert "a < b" in [text.text for text in root.iter(f"{SVG}text")]
    (first, second) = (line.get("points") or "" for line in root.iter(f"{SVG}polyline"))
    points = [tuple(float(v) for v in pair.split(",")) for pair in first.split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0], abs=0.2)  # doubling is even
    assert points[1][1] > points[0][1] > points[2][1]  # 0, 5, 10: upwards
    assert all(0 < x < 560 and 0 < y < 300 for x, y in points)
    assert len(second.split()) == 2
