# SPDX-License-Identifier: Apache-2.0
"""Events of a target that sends them without end."""

from __future__ import annotations

from lundock.helper.engine.telling import BURST, Telling


def test_a_flood_is_counted_and_other_kinds_are_told() -> None:
    told: list[tuple[str, dict[str, str | int]]] = []
    telling = Telling(lambda kind, attrs: told.append((kind, attrs)))
    for number in range(5000):
        telling.event("io-error", {"lba": number}, 100.0)
    telling.event("luns-changed", {"lun": "0"}, 100.0)
    assert [kind for kind, _ in told] == ["io-error"] * BURST + ["luns-changed"]
    assert [attrs["lba"] for _, attrs in told[:BURST]] == list(range(BURST))
    told.clear()
    for _ in range(3):
        telling.event("io-error", {"lba": 7}, 102.5)
    assert told == [("io-error", {"lba": 7, "untold": 5000 - BURST}), ("io-error", {"lba": 7})]
    told.clear()
    for _ in range(50):
        telling.event("io-error", {"lba": 8}, 9000.0)
    assert told[0] == ("io-error", {"lba": 8, "untold": 1})
    assert len(told) == BURST


def test_what_comes_now_and_then_is_all_told() -> None:
    told: list[str] = []
    telling = Telling(lambda kind, _attrs: told.append(kind))
    for second in range(1000):
        telling.event("medium-error", {}, float(second))
    assert len(told) == 1000
