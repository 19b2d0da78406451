# SPDX-License-Identifier: Apache-2.0
"""Settings as the engine reads them, and that no timer is anything else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from lundock.helper import engine
from lundock.helper.api.settings import table
from lundock.helper.engine.options import number

#: Times (floats, as everywhere in the engine) that are no settings of a target, because of what they are.
INNER_TIMES = {
    "engine._TICK": "how often a busy session looks at its clock",
    "engine._LONGEST_DOZE": "how often an idle one does",
    "upkeep._LATER": "so that the look at an answered ping finds the next one due",
    "units._LOOK_DELAY": "so that many words of a disk lead to one look",
    "worker.ORPHAN_SECONDS": "how long a worker outlives its helper, whichever target it has",
}


def constants() -> dict[str, float]:
    """Every float that a module of the engine gives a name."""
    found = {}
    folder = Path(engine.__file__).parent
    for file in sorted(folder.rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = getattr(node, "value", None)
            if isinstance(value, ast.Constant) and isinstance(value.value, float):
                for target in targets:
                    name = ".".join((*file.relative_to(folder).with_suffix("").parts, ast.unparse(target)))
                    found[name] = value.value
    return found


def test_every_timer_is_a_setting_or_says_why_not() -> None:
    assert constants().keys() == INNER_TIMES.keys()


def test_every_setting_is_read_by_the_engine_or_its_service() -> None:
    """A setting that nobody asks for would be a promise without a deed."""
    helper = Path(engine.__file__).parents[1]
    code = "\n".join(file.read_text("utf-8") for file in helper.rglob("*.py"))
    assert [name for name in table() if f'"{name}"' not in code] == []


def test_a_number_that_is_not_there_has_its_default() -> None:
    assert number({}, "queue_depth") == table()["queue_depth"].default
    assert number({"queue_depth": 7}, "queue_depth") == 7


def test_what_is_no_number_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError):
        number({"queue_depth": "7"}, "queue_depth")
