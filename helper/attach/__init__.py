# SPDX-License-Identifier: Apache-2.0
"""Ways of making a disk a device: one module a method. `methods` says what this computer can do."""

from __future__ import annotations

from ..api.errors import Problem
from .base import Attachment, Fronts, Method, MethodInfo, Wish
from .file import File, set_size
from .fuse_loop import FuseLoop, flush, force, whole

__all__ = [
    "Attachment",
    "File",
    "Fronts",
    "Method",
    "MethodInfo",
    "Wish",
    "choose",
    "flush",
    "force",
    "method",
    "methods",
    "set_size",
    "whole",
]

#: In the order in which "auto" tries them.
_METHODS: tuple[Method, ...] = (FuseLoop(), File())


def methods() -> list[MethodInfo]:
    """Return every method, in the order in which "auto" tries them."""
    return [one.available() for one in _METHODS]


def method(name: str) -> Method:
    """Return a method by its name; raises Problem("InvalidArgument")."""
    for one in _METHODS:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in _METHODS)
    raise Problem("InvalidArgument", argument="method", detail=f"It is auto, or one of: {names}.")


def choose(name: str) -> Method:
    """Return the method to use; raises Problem: InvalidArgument, AttachMethodUnavailable."""
    if name != "auto":
        info = method(name).available()
        if not info.available:
            raise Problem("AttachMethodUnavailable", method=name, reason=info.reason)
        return method(name)
    for one in _METHODS:
        if one.available().available:
            return one
    reasons = " ".join(dict.fromkeys(info.reason for info in methods()))  # both may want the same
    raise Problem("AttachMethodUnavailable", method="auto", reason=reasons)
