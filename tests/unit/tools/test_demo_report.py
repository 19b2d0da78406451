# SPDX-License-Identifier: Apache-2.0
import pytest

from tools.demo.report import Failed, Report, size_text


def test_steps_are_numbered(capsys: pytest.CaptureFixture[str]):
    report = Report()
    for title in ("One", "Two"):
        with report.step(title):
            report.say("seen")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "done" not in line] == [" 1. One", "    seen", " 2. Two", "    seen"]


def test_a_failed_step_is_not_done(capsys: pytest.CaptureFixture[str]):
    report = Report()
    with pytest.raises(Failed, match="it is wrong"), report.step("One"):
        report.check(good=False, problem="it is wrong")
    assert "done" not in capsys.readouterr().out


def test_the_last_figure_is_told(capsys: pytest.CaptureFixture[str]):
    report = Report()
    for number in range(5):
        report.live(f"figure {number}")
    report.end_live()
    assert capsys.readouterr().out.splitlines()[-1] == "    figure 4"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (33, "33 B"), (1536, "1.5 KiB"), (256 << 20, "256 MiB"), (3 << 40, "3072 GiB")]
)
def test_sizes(size: int, text: str):
    assert size_text(size) == text
