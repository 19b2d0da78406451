# SPDX-License-Identifier: Apache-2.0
"""First inputs for the corpus: `PYTHONPATH=tests python -m fuzz.seeds FOLDER` writes them to FOLDER/TARGET/.

Put into build/fuzz/ they are merged into the kept corpus by `./dev fuzz --keep`.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from . import made, recorded

SOURCES = (*recorded.SOURCES, *made.SOURCES)


def _write(folder: Path, name: str, data: bytes) -> None:
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / hashlib.sha1(data).hexdigest()).write_bytes(data)


def main(folder: Path) -> None:
    count = 0
    for source in SOURCES:
        for name, data in source():
            _write(folder, name, data)
            if name == "session":
                _write(folder, "window", data)
            count += 1
    print(count, "seeds")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
