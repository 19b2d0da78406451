# SPDX-License-Identifier: Apache-2.0
"""`./dev fuzz [SECONDS] [TARGET...]`: every parser in turn under atheris, an equal share of the time each.

What is tried lies in build/fuzz/TARGET/ and grows from run to run; the kept corpus, tests/fuzz/corpus/TARGET/, is read.
An input that breaks a rule is saved in tests/fuzz/findings/, where the tests try it again until it is mended; then it
belongs to the corpus. `./dev fuzz --keep [TARGET...]` adds to the corpus what reaches something new, as few and short
as can be.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from . import keeper

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
CORPUS = TESTS / "fuzz" / "corpus"
FINDINGS = TESTS / "fuzz" / "findings"
BUILD = ROOT / "build" / "fuzz"

#: No input may take longer, or more memory than this beside what the process has.
SECONDS_EACH = 10
MEGABYTES = 600
_DEFAULT_SECONDS = 300
_TAIL = 25
_WIDTH = 300

_PROGRAM = """#!/bin/sh
# libFuzzer starts itself again for a merge: under this name
export PYTHONPATH='{tests}' FUZZ_PROGRAM="$0"
exec '{python}' -m fuzz.run {name} "$@"
"""


def environment() -> dict[str, str]:
    """Return the environment in which the targets are found."""
    return {**os.environ, "PYTHONPATH": str(TESTS)}


def names() -> list[str]:
    """Return every target."""
    command = [sys.executable, "-m", "fuzz.run", "--list"]
    shown = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in shown.split() if not line.startswith("INFO")]


def program(name: str) -> Path:
    """Write the program that is one target, its folders and its dictionary."""
    path = BUILD / "bin" / name
    for folder in (path.parent, BUILD / name, BUILD / "logs", CORPUS / name, FINDINGS):
        folder.mkdir(parents=True, exist_ok=True)
    path.write_text(_PROGRAM.format(tests=TESTS, python=sys.executable, name=name))
    path.chmod(0o755)
    words = [sys.executable, "-m", "fuzz.run", "--words", str(BUILD / f"{name}.dict"), name]
    subprocess.run(words, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return path


def run(name: str, seconds: int) -> tuple[int, list[str]]:
    """Fuzz one target; returns how many inputs were tried, and what was found: the end of its output."""
    command = [
        str(program(name)), f"-max_total_time={seconds}", f"-timeout={SECONDS_EACH}", f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={FINDINGS / name}-", "-print_final_stats=1", str(BUILD / name), str(CORPUS / name),
    ]  # fmt: skip
    words = BUILD / f"{name}.dict"
    if words.stat().st_size:  # libFuzzer takes no empty one
        command.append(f"-dict={words}")
    log = BUILD / "logs" / name
    with log.open("w") as output:
        code = subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, check=False).returncode
    text = log.read_text("utf-8", "replace")
    tried = re.findall(r"^stat::number_of_executed_units:\s*(\d+)|^#(\d+)\s", text, re.MULTILINE)
    count = max((int(one or other) for one, other in tried), default=0)
    return count, _told(text) if code else []


def _told(text: str) -> list[str]:
    """Return what matters of a failure: Python's words about it, and where the input is."""
    start = text.find("=== Uncaught Python exception")
    lines = text[start:].splitlines()[1:] if start >= 0 else text.splitlines()[-_TAIL:]
    end = next((at for at, line in enumerate(lines) if line.startswith("==")), len(lines))
    where = [line for line in lines[end:] if "Test unit written" in line or "SUMMARY" in line]
    return [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in (*lines[:end][-_TAIL:], *where)]


def fuzz(wanted: list[str], seconds: int) -> int:
    """Fuzz them all; returns the exit code."""
    share = max(seconds // len(wanted), 1)
    total, found = 0, 0
    for name in wanted:
        count, finding = run(name, share)
        total += count
        found += bool(finding)
        print(f"{name:16} {count:9} executions  {'FOUND SOMETHING' if finding else 'ok'}", flush=True)
        print("".join(f"    {line}\n" for line in finding), end="", flush=True)
    print(f"{total} executions, {found} findings" + (f" in {FINDINGS.relative_to(ROOT)}" if found else ""))
    return 1 if found else 0


def keep(wanted: list[str]) -> int:
    """Merge what was found out into the kept corpus, and drop there what is of no use any more."""
    for name in wanted:
        old = sorted((CORPUS / name).iterdir()) if (CORPUS / name).is_dir() else []
        fresh = BUILD / "merged" / name
        fresh.mkdir(parents=True, exist_ok=True)
        for path in fresh.iterdir():
            path.unlink()
        command = [
            str(program(name)), "-merge=1", "-timeout=30", f"-artifact_prefix={BUILD / 'logs' / name}-",
            str(fresh), str(CORPUS / name), str(BUILD / name),
        ]  # fmt: skip
        with (BUILD / "logs" / f"{name}-merge").open("w") as output:
            subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, check=True)
        for path in old:
            path.unlink()
        kept = [path.rename(CORPUS / name / path.name) for path in sorted(fresh.iterdir())]
        print(f"{name:16} {len(kept):5} inputs, {sum(path.stat().st_size for path in kept):7} bytes", flush=True)
    return 0


def main(args: list[str]) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="add what reaches something new to the kept corpus")
    parser.add_argument("words", nargs="*", metavar="[SECONDS] [TARGET...]")
    given = parser.parse_args(args)
    keeper.hold()
    words = list(given.words)
    seconds = int(words.pop(0)) if words and words[0].isdigit() else _DEFAULT_SECONDS
    known = names()
    unknown = set(words) - set(known)
    if unknown or seconds <= 0:
        parser.error(f"there is no target {', '.join(sorted(unknown))}; there are: {' '.join(known)}")
    return keep(words or known) if given.keep else fuzz(words or known, seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
