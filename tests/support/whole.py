# SPDX-License-Identifier: Apache-2.0
"""What a fake of the service leaves out of the contract: it answers NotSupported, and is empty."""

from __future__ import annotations

import inspect
from typing import Any

from lundock.helper.api.contract import Method, interfaces, snake
from lundock.helper.api.errors import Problem
from lundock.helper.api.objects import ObjectServer
from lundock.helper.api.values import ObjectPath

_EMPTY: dict[str, Any] = {"b": False, "s": "", "o": ObjectPath("/"), "d": 0.0}


class WholeServer(ObjectServer):
    """An object server for fakes that know only some of the members."""

    def add(self, path: str, implementations: Any) -> None:
        for name, thing in implementations.items():
            for method in interfaces()[name].methods.values():
                if not hasattr(thing, snake(method.name)):
                    setattr(thing, snake(method.name), _unknown(method))
            for prop in interfaces()[name].properties.values():
                if not hasattr(thing, snake(prop.name)):
                    setattr(thing, snake(prop.name), _empty(prop.signature))
        super().add(path, implementations)


def _empty(signature: str) -> Any:
    if signature.startswith("a"):
        return {} if signature.startswith("a{") else []
    return _EMPTY.get(signature, 0)


def _unknown(method: Method) -> Any:
    async def refuse(*_args: Any) -> Any:
        raise Problem("NotSupported", what=method.name, detail="The fake has no such thing.")

    kind = inspect.Parameter.POSITIONAL_ONLY
    names = ["call", *(arg.name for arg in method.inputs)]
    refuse.__signature__ = inspect.Signature([inspect.Parameter(snake(n.replace("-", "_")), kind) for n in names])  # type: ignore[attr-defined]
    return refuse
