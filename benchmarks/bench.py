# SPDX-License-Identifier: Apache-2.0
"""What a run keeps between measurements: its folder, and the targets and servers that were started for it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from tools import traces

from .build import Tools
from .process import CannotMeasureError

T = TypeVar("T")


class Bench:
    """Things are started when they are first asked for, and ended in the reverse order."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._temporary = tempfile.TemporaryDirectory(prefix=traces.PREFIX)
        self.folder = Path(self._temporary.name)
        self.problems: list[str] = []
        self._kept: dict[Hashable, tuple[Any, contextlib.ExitStack]] = {}

    def get(self, key: Hashable, start: Callable[[], AbstractContextManager[T]]) -> T:
        """Return what `start` gives; started once for each key."""
        if key not in self._kept:
            stack = contextlib.ExitStack()
            self._kept[key] = (stack.enter_context(start()), stack)
        return cast("T", self._kept[key][0])

    def drop(self, key: Hashable) -> None:
        """End what was started for `key`: it failed, and the next who wants it has it started anew."""
        if key in self._kept:
            self._close(key)
            del self._kept[key]

    def has(self, key: Hashable) -> bool:
        """Whether it was started."""
        return key in self._kept

    @property
    def log(self) -> Path:
        """Where programs write what they have to say."""
        return self.folder / "log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.ExitStack() as all_of_them:
            all_of_them.callback(self._temporary.cleanup)
            for key in self._kept:
                all_of_them.callback(self._close, key)

    def _close(self, key: Hashable) -> None:
        """End one; what goes wrong is remembered, and takes nothing away from what was measured."""
        try:
            self._kept[key][1].close()
        except CannotMeasureError as problem:
            self.problems.append(f"taking down {key}: {problem}")
