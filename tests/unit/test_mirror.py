# SPDX-License-Identifier: Apache-2.0
"""Who changes a module of the app finds its tests: in the module of the same name below tests/unit, or named here."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"

#: Modules whose behaviour is tested together with that of others, or only where it is real: by folder, and where.
ELSEWHERE = {
    "app": {
        "cli": "unit/app/commands/test_commands.py",
    },
    "app/client": {
        "agent": "unit/app/ui/test_window.py",
        "connecting": "unit/app/client/test_client.py",
        "errors": "unit/app/client/test_client.py",
        "link": "unit/app/client/test_client.py",
        "notifications": "real/test_window_desktop.py",
        "udisks": "real/test_window_udisks.py",
    },
    "app/commands": {
        "connecting": "unit/app/commands/test_commands.py",
        "diagnosis": "real/test_cli_shapes.py",
        "disks": "unit/app/commands/test_commands.py",
        "options": "unit/app/commands/test_commands.py",
        "portals": "real/test_cli_shapes.py",
        "service": "unit/app/commands/test_commands.py",
        "shapes": "real/test_cli_shapes.py",
        "wizard": "unit/app/commands/test_signing.py",
    },
    "app/model": {
        "details": "unit/app/model/test_models.py",
        "disks": "unit/app/model/test_models.py",
        "events": "unit/app/model/test_models.py",
        "targets": "unit/app/model/test_models.py",
    },
    "app/ui": {
        "application": "unit/app/ui/test_desk.py",
        "cells": "unit/app/ui/test_theme.py",
        "connect_dialog": "unit/app/ui/test_connect.py",
        "connect_pages": "unit/app/ui/test_connect.py",
        "details_page": "unit/app/ui/test_theme.py",
        "disk_card": "unit/app/ui/test_connect.py",
        "disks_page": "unit/app/ui/test_actions.py",
        "events_page": "unit/app/ui/test_theme.py",
        "fields": "unit/app/ui/test_settings_page.py",
        "format_dialog": "unit/app/ui/test_connect.py",
        "header": "unit/app/ui/test_window.py",
        "kinds": "unit/app/ui/test_activity_page.py",
        "notice": "unit/app/ui/test_eject_dialog.py",
        "plot": "unit/app/ui/test_activity_page.py",
        "portal_edit": "unit/app/ui/test_portals.py",
        "portals_dialog": "unit/app/ui/test_portals.py",
        "preferences": "unit/app/ui/test_desk.py",
        "questions": "unit/app/ui/test_window.py",
        "shots": "real/test_window_tgtd.py",
        "sign_in": "unit/app/ui/test_window.py",
        "single": "unit/app/ui/test_desk.py",
        "steps": "unit/app/ui/test_diagnosis_dialog.py",
        "target_list": "unit/app/ui/test_window.py",
        "tray": "unit/app/ui/test_desk.py",
        "widgets": "unit/app/ui/test_window.py",
    },
}
MODULES = [file for file in sorted((ROOT / "app").rglob("*.py")) if not file.name.startswith("__")]


def own(module: Path) -> Path:
    return TESTS / "unit" / module.parent.relative_to(ROOT) / f"test_{module.name}"


def named(module: Path) -> str:
    return ELSEWHERE.get(str(module.parent.relative_to(ROOT)), {}).get(module.stem, "")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_each_module_has_a_test_module_of_its_name_or_one_that_is_named_here(module: Path) -> None:
    place = named(module)
    assert own(module).exists() != bool(place), f"either {own(module).relative_to(ROOT)}, or a line in this file"
    assert not place or (TESTS / place).exists(), f"{place} is not there"


def test_the_table_names_only_modules_that_there_are() -> None:
    known = {(str(module.parent.relative_to(ROOT)), module.stem) for module in MODULES}
    assert [
        (folder, name) for folder, names in ELSEWHERE.items() for name in names if (folder, name) not in known
    ] == []
