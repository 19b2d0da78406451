# SPDX-License-Identifier: Apache-2.0
"""The count of errors that tests have brought about (support/raised.py) believes the program only."""

from __future__ import annotations

import pytest
from lundock.helper import checks
from lundock.helper.api.buserrors import received
from lundock.helper.api.errors import ERROR_PREFIX, Problem, from_wire
from lundock.helper.api.signals import Signal
from support import raised

ADDRESS, REAL = "AddressInvalid", "tests/real/test_x.py::test_x"
JOB_ENDED = (False, f"{ERROR_PREFIX}NoSpace", {})


def portal() -> None:
    with pytest.raises(Problem):
        checks.portals([{"address": "what is this?", "port": 3260}])


def test_what_the_program_raises_counts() -> None:
    with raised.recorded() as seen:
        portal()
    assert seen.first == {ADDRESS: raised.running_test()}
    assert ADDRESS not in seen.never()
    assert "NoSpace" in seen.never()


@pytest.mark.parametrize("first", [True, False])
def test_what_a_test_has_made_itself_does_not(first: bool) -> None:
    with raised.recorded() as seen:
        made = [Problem(ADDRESS)] if first else []
        portal()
        made.append(Problem(ADDRESS))
        from_wire("NoSpace", {})
        received(f"{ERROR_PREFIX}Busy", ("", {}))
        Signal("/", "", "Completed", JOB_ENDED, ":1.1")
    assert seen.first == {}
    assert made


def test_what_real_services_say_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raised, "running_test", lambda: REAL)
    with raised.recorded() as seen:
        received(f"{ERROR_PREFIX}Busy", ("", {}))
        Signal("/", "", "Completed", JOB_ENDED, ":1.1")
        Signal("/", "", "Event", ({"kind": "io-error", "detail": {"code": "MediumError"}},), ":1.1")
        Signal("/", "", "Event", ({"kind": "lost", "detail": {"error": "nonsense"}},), ":1.1")
        raised.told("NotAuthorized")
    assert seen.first == dict.fromkeys(("Busy", "NoSpace", "MediumError", "NotAuthorized"), REAL)
