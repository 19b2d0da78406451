# SPDX-License-Identifier: Apache-2.0
"""What a fuzz target is, and what must hold for every input.

A target either reads its input at once (`run`), or takes it as a stream in any pieces (`play`): then the outcome must
be the same however the stream is cut. Out of both come only the errors that the target names: Problems of its codes,
or the exceptions that its module documents. Anything else that is raised is a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lundock.helper.api.errors import Problem

Pieces = Iterable[bytes]
#: How a stream is cut: all at once, in pieces that end anywhere, byte by byte.
CUTS = (0, 53, 1)


@dataclass(frozen=True, slots=True)
class Target:
    """A row of the table.

    `codes`: of the Problems that it may raise; `errors`: other documented exceptions. `longest`: of an input. `words`
    help the fuzzer along. `memory`: what one input may take at once, in bytes.
    """

    name: str
    run: Callable[[bytes], object] | None = None
    play: Callable[[Pieces], object] | None = None
    codes: frozenset[str] = frozenset()
    errors: tuple[type[Exception], ...] = ()
    longest: int = 2048
    words: Sequence[str | bytes] = ()
    memory: int = 2 << 20
    cuts: tuple[int, ...] = field(default=CUTS)

    def check(self, data: bytes) -> None:
        """Try one input; raises for a finding."""
        if self.run is not None:
            self._guarded(self.run, data)
        if self.play is not None:
            outcomes = [self._guarded(self.play, cut(data, size)) for size in self.cuts]
            for size, outcome in zip(self.cuts[1:], outcomes[1:], strict=True):
                assert outcome == outcomes[0], f"in pieces of {size}: {outcome!r}, at once: {outcomes[0]!r}"

    def _guarded(self, call: Callable[..., object], data: object) -> object:
        try:
            return call(data)
        except Problem as problem:
            if problem.code not in self.codes:
                raise
            return problem.code, problem.attrs
        except self.errors as error:
            return type(error).__name__, str(error)


def cut(data: bytes, size: int) -> list[bytes]:
    """Cut into pieces of `size`; 0: one piece."""
    size = size or max(len(data), 1)
    return [data[at : at + size] for at in range(0, len(data), size)]


def codes(*names: str) -> frozenset[str]:
    return frozenset(names)


def named(problem: Problem, known: Container[str]) -> tuple[str, Mapping[str, str | int]]:
    """Return a Problem as part of an outcome; it must be of a known code."""
    assert problem.code in known, problem.code
    return problem.code, problem.attrs


def first_bytes(pieces: Pieces, count: int) -> tuple[bytes, list[bytes]]:
    """Take the bytes in front, which choose the circumstances, off a stream; zeros where it has fewer."""
    pieces = list(pieces)
    head = b"".join(pieces)[:count]
    rest: list[bytes] = []
    skip = len(head)
    for piece in pieces:
        if skip < len(piece):
            rest.append(piece[skip:])
        skip = max(skip - len(piece), 0)
    return head.ljust(count, b"\0"), rest
