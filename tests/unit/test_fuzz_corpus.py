# SPDX-License-Identifier: Apache-2.0
"""The kept corpus of `./dev fuzz`, tried once more: without the fuzzer, and with an eye on memory."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz.harness import Target, cut, first_bytes
from fuzz.targets import TARGETS
from lundock.helper.api.errors import Problem, catalogue

CORPUS = Path(__file__).resolve().parent.parent / "fuzz" / "corpus"
MOST = 1 << 20


def inputs(name: str) -> list[Path]:
    return sorted((CORPUS / name).iterdir())


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name: str, traced: None) -> None:
    """Every input: the named errors at most, the same in any pieces, and no more memory than the target's bound."""
    target = TARGETS[name]
    found = inputs(name)
    assert found, "a target without a corpus"
    target.check(found[0].read_bytes())  # what is made once is made
    for path in found:
        data = path.read_bytes()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        target.check(data)
        taken = tracemalloc.get_traced_memory()[1] - before
        assert taken <= target.memory, f"{path.name}: {taken} bytes"


def test_corpus_is_of_the_table_and_small() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*")) < MOST


def test_codes_of_targets_are_known() -> None:
    for target in TARGETS.values():
        assert target.codes <= catalogue().keys()


# ---- the harness itself ------------------------------------------------------------------------------------------


def test_unnamed_errors_are_findings() -> None:
    def run(data: bytes) -> None:
        raise {b"p": Problem("Busy"), b"v": ValueError("v")}.get(data, KeyError("k"))

    tolerant = Target("t", run=run, codes=frozenset({"Busy"}), errors=(ValueError,))
    tolerant.check(b"p")
    tolerant.check(b"v")
    with pytest.raises(KeyError):
        tolerant.check(b"k")
    strict = Target("t", run=run)
    for data, error in ((b"p", Problem), (b"v", ValueError)):
        with pytest.raises(error):
            strict.check(data)


def test_outcomes_that_depend_on_the_cut_are_findings() -> None:
    Target("t", play=b"".join).check(b"abc")
    with pytest.raises(AssertionError, match="in pieces of 1"):
        Target("t", play=lambda pieces: len(list(pieces))).check(b"abc")


def test_cutting() -> None:
    assert cut(b"abcde", 2) == [b"ab", b"cd", b"e"]
    assert cut(b"abcde", 0) == [b"abcde"]
    assert cut(b"", 0) == []
    for size in (0, 1, 2, 3):
        head, rest = first_bytes(cut(b"abcde", size), 2)
        assert (head, b"".join(rest)) == (b"ab", b"cde")
    assert first_bytes([b"a"], 3) == (b"a\0\0", [])


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Fronts log what the kernel would not take; here that is no kernel."""
    caplog.set_level(logging.CRITICAL)
