# SPDX-License-Identifier: Apache-2.0
"""One target under atheris: `python -m fuzz.run TARGET [libFuzzer's arguments]`, from the folder tests.

`python -m fuzz.run --list` names the targets; `--words FILE TARGET` writes a dictionary for libFuzzer.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lundock"], enable_loader_override=False):
    from fuzz.targets import TARGETS


def write_words(path: Path, name: str) -> None:
    words = (word.encode() if isinstance(word, str) else word for word in TARGETS[name].words)
    path.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words if word))


def main(args: list[str]) -> None:
    if args == ["--list"]:
        print("\n".join(TARGETS))
        return
    if args[0] == "--words":
        write_words(Path(args[1]), args[2])
        return
    target = TARGETS[args[0]]
    program = os.environ.get("FUZZ_PROGRAM", sys.argv[0])  # which libFuzzer starts again for a merge
    atheris.Setup([program, f"-max_len={target.longest}", *args[1:]], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
