# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import defaults as builtin
from lundock.helper.api.settings import table
from lundock.helper.defaults import MAX_SIZE, load
from support.service_bench import Bench, run


def test_later_files_go_over_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "10-site.toml").write_text(
        "[settings]\nping_interval = 11\nheader_digest = ['CRC32C']\nread_only = true\n"
    )
    (tmp_path / "20-host.toml").write_text("[settings]\nping_interval = 12\n")
    (tmp_path / "30-note.txt").write_text("[settings]\nping_interval = 13\n")
    (tmp_path / "40-empty.toml").write_text("")
    found = load(tmp_path)
    assert found.values == {"ping_interval": 12, "header_digest": ("CRC32C",), "read_only": True}
    assert found.files["ping_interval"] == str(tmp_path / "20-host.toml")
    assert found.files["read_only"] == str(tmp_path / "10-site.toml")
    assert found.refused == {}


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    found = load(tmp_path / "missing")
    assert (found.values, found.refused) == ({}, {})


@pytest.mark.parametrize(
    "text",
    [
        "[settings]\nping_interval = 5\nno_such = 1\n",
        "[settings]\nping_interval = 5\nqueue_depth = 0\n",
        "[settings]\nping_interval = 5\n[secrets]\n",
        "settings = 5\n",
        "ping_interval = 5\n",
        "this is no TOML",
        "\N{GREEK SMALL LETTER ALPHA}" * 3,
        "#" * (MAX_SIZE + 1),
    ],
)
def test_a_file_with_anything_wrong_is_not_used_at_all(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text("[settings]\nping_interval = 9\n")
    (tmp_path / "b.toml").write_text(text)
    found = load(tmp_path)
    assert found.values == {"ping_interval": 9}
    assert set(found.refused) == {str(tmp_path / "b.toml")}
    assert found.refused[str(tmp_path / "b.toml")]


def test_bytes_that_are_no_text_and_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.toml").mkdir()
    assert set(load(tmp_path).refused) == {str(tmp_path / name) for name in ("a.toml", "b.toml")}


def test_where_each_setting_comes_from(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    file = folder / "site.toml"
    file.write_text("[settings]\nping_interval = 11\nqueue_depth = 9\n")

    async def steps(bench: Bench) -> None:
        service = bench.service
        target = await bench.add(settings={"queue_depth": 7})
        service.set_defaults(load(folder))
        settings, origins = service.complete(target.record.settings), service.defaults.origins(target.record.settings)
        assert set(settings) == set(origins) == set(table())
        assert (settings["ping_interval"], origins["ping_interval"]) == (11, str(file))
        assert (settings["queue_depth"], origins["queue_depth"]) == (7, "target")
        assert (settings["ping_timeout"], origins["ping_timeout"]) == (builtin()["ping_timeout"], "default")
        await bench.connect(target)
        assert bench.supervisor.specs[-1].settings["ping_interval"] == 11

        # what a target sets to the default's value stays the target's, whatever the system's is
        await service.update_target(target, {"settings": {"ping_interval": builtin()["ping_interval"]}})
        assert service.complete(target.record.settings)["ping_interval"] == builtin()["ping_interval"]
        await service.update_target(target, {"settings": {"ping_interval": "", "queue_depth": ""}})
        assert service.complete(target.record.settings)["ping_interval"] == 11
        assert service.complete(target.record.settings)["queue_depth"] == 9

        file.write_text("[settings]\nping_interval = many\n")
        service.set_defaults(load(folder))
        assert service.complete(target.record.settings)["ping_interval"] == builtin()["ping_interval"]
        await bench.timeline()
        (event,) = [event for event in bench.told.events if event.kind == "settings-refused"]
        assert event.detail["path"] == str(file)

    run(tmp_path, steps)


def test_a_wrong_value_of_a_call_is_the_callers(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        with pytest.raises(Problem) as refused:
            bench.service.complete({"queue_depth": 0})
        assert refused.value.attrs["argument"] == "queue_depth"

    run(tmp_path, steps)


def test_one_is_what_it_is_among_all(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("[settings]\nping_interval = 11\nread_only = true\n")
    found = load(tmp_path)
    for own in ({}, {"read_only": False}, {"ping_interval": 3, "queue_depth": 7}):
        assert {name: found.one(own, name) for name in table()} == found.complete(own)
