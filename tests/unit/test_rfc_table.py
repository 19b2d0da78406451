# SPDX-License-Identifier: Apache-2.0
"""docs/rfc7143.md against the tests and files that it names."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "rfc7143.md").read_text("utf-8")
LEVELS = ("MUST", "SHOULD", "MAY")
#: 4.2.2.1, C, RFC 1994, 4.1: one or several, "13.10 to 13.19" among them.
_PLACE = r"(?:\d{1,2}(?:\.\d{1,2}){0,4}|[A-E](?:\.\d)?|RFC \d{4})"
SECTION = re.compile(rf"{_PLACE}(?:(?:, | to ){_PLACE})*")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
FILE = re.compile(r"`(helper/[\w/]+\.\w+)`")
#: How many sections each chapter of the standard has.
SECTIONS = {4: 6, 6: 4, 7: 15, 8: 3, 9: 5, 10: 7, 11: 19, 12: 1, 13: 26, 14: 0, 15: 0}


@dataclass(frozen=True)
class Row:
    number: str
    section: str
    rule: str
    level: str
    where: str
    test: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        return TEST.findall(self.test)


def _rows() -> list[Row]:
    table = TEXT.split("\n## Not yet", 1)[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [Row(*row) for row in cells if row[0] != "No."]


ROWS = _rows()
NOT_YET = re.findall(r"^\* (\w+): \S", TEXT.split("\n## Not yet", 1)[1], re.MULTILINE)


@cache
def functions_in(path: str) -> dict[str, bool]:
    """Every test function of a file, and whether it is an expected failure, in whole or for a parameter."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    whole = any(_expects_failure(node) for node in tree.body if _is_pytestmark(node))
    return {
        node.name: whole or any(_expects_failure(one) for one in node.decorator_list)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def _is_pytestmark(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets)


def _expects_failure(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr == "xfail" for part in ast.walk(node))


def test_the_table_is_there():
    assert len(ROWS) > 200
    numbers = [row.number for row in ROWS]
    assert len(set(numbers)) == len(numbers)
    for letter, count in {"L": 20, "N": 13, "K": 27, "D": 23, "S": 18, "M": 14, "T": 20}.items():
        present = {re.sub(r"[a-z]+$", "", number) for number in numbers}
        assert {f"{letter}{i}" for i in range(1, count + 1)} <= present


def test_cells_have_their_form():
    """A section of the standard, a level or none, a file or why there is none, tests and nothing else."""
    for row in ROWS:
        assert re.fullmatch(r"[LNKDSMT]\d+[a-z]?", row.number), row
        assert SECTION.fullmatch(row.section), row
        assert row.rule, row
        outside = row.where.startswith("outside the program")
        assert row.level in (("",) if outside else LEVELS), row
        if not outside and not row.where.startswith("not done"):
            assert FILE.search(row.where), row
        if row.where.startswith("refused cleanly"):
            assert row.tests, row
        assert TEST.sub("", row.test).replace("<br>", "") == "", row


def test_sections_are_in_the_standard():
    for row in ROWS:
        own = " ".join(re.split(r"RFC \d{4}(?:, [\d.]+)?", row.section))
        for text in re.findall(r"\d+(?:\.\d+)*", own):
            chapter, *rest = map(int, text.split("."))
            assert chapter in SECTIONS, row
            assert not rest or 1 <= rest[0] <= SECTIONS[chapter], row


def test_files_exist():
    for row in ROWS:
        for path in FILE.findall(row.where):
            assert (ROOT / path).is_file(), row


def test_tests_exist():
    for row in ROWS:
        for path, name in row.tests:
            assert name in functions_in(path), row


def is_kept(row: Row) -> bool:
    """Whether a test sees the rule, and none of its tests is an expected failure."""
    return bool(row.tests) and not any(functions_in(path)[name] for path, name in row.tests)


def test_not_yet_is_the_whole_truth():
    """Every MUST has a test that is no expected failure, or stands in the list; and nothing else does."""
    missing = [row.number for row in ROWS if row.level == "MUST" and not is_kept(row)]
    assert missing == NOT_YET
