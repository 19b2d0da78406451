# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from lundock.helper.api import names
from lundock.helper.api.contract import Interface, interfaces
from lundock.helper.api.objects import verify
from lundock.helper.api.values import ObjectPath
from lundock.helper.bus import tree
from lundock.helper.bus.authority import SameUser
from lundock.helper.bus.objects import NOTHING, outward, path
from lundock.helper.things import Ref


def test_a_method_without_an_action_keeps_the_service_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "missing_actions", lambda: ["io.github.lundock.Initiator1.Lun.Format"])
    with pytest.raises(RuntimeError, match="Format"):
        tree.Tree(None, SameUser())  # type: ignore[arg-type]


def test_references_become_paths_wherever_they_are() -> None:
    assert outward({"session": Ref("sessions/1"), "luns": [Ref("sessions/1/luns/x")], "n": 1, "device": "/dev/x"}) == {
        "session": f"{names.ROOT_PATH}/sessions/1",
        "luns": [f"{names.ROOT_PATH}/sessions/1/luns/x"],
        "n": 1,
        "device": "/dev/x",
    }
    assert isinstance(path("x"), ObjectPath)
    assert NOTHING == "/"


class Half:
    """Has a method of the job's, with other arguments."""

    async def cancel(self) -> None:
        pass


def job() -> Interface:
    return interfaces()[names.JOB]


def test_an_object_that_lacks_a_member_does_not_get_on_the_bus() -> None:
    with pytest.raises(TypeError, match="other arguments"):
        verify(job(), Half())
    with pytest.raises(TypeError, match="no method cancel"):
        verify(job(), object())
