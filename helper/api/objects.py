# SPDX-License-Identifier: Apache-2.0
"""Objects of the contract on a connection: the service's tree, and the app's secret agent.

    server = ObjectServer(connection, root=names.ROOT_PATH, authorize=policy)
    server.add(path, {names.LUN: thing})       # InterfacesAdded at the root
    server.refresh(path)                       # PropertiesChanged for what is different now
    server.remove(path)                        # InterfacesRemoved

An implementation of an interface has, under the snake_case name of the member, an attribute for each property and a
coroutine for each method: ``async def attach(self, call: Call, options: dict[str, Any]) -> ObjectPath``. It gets plain
values whose keys and types were checked against the contract, after the caller was authorized. It returns the one
value, or a tuple of several. Descriptors among the arguments are closed when it returns, unless it took them; those
that it returns are closed when sent.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from .bus import DBUS, OBJECT_MANAGER, PROPERTIES, BusError, Connection, Incoming, Reply
from .contract import Arg, Interface, Key, Method, interfaces, snake
from .errors import Problem
from .values import Descriptor, ObjectPath, Typed, check, check_keys

INTROSPECTABLE = f"{DBUS}.Introspectable"

#: More calls than this of one sender on their way, and the next is answered with Busy. The bus ends a sender at 128.
MAX_CALLS = 32
#: Methods whose answers may be megabytes, as what a job found may be.
_LARGE = frozenset({"Get", "GetAll", "GetEvents", "GetManagedObjects", "GetStatistics"})


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls what. `interactive`: the user may be asked for a password."""

    sender: str
    path: str
    interface: str
    member: str
    interactive: bool


#: The call that is being served in this task.
current_call: ContextVar[Call] = ContextVar("current_call")

#: Raises Problem when the call may not be made. Gets implementation and arguments; the method is None for reading.
Authorize = Callable[[Call, Method | None, object, tuple[Any, ...]], Awaitable[None]]

_STANDARD_XML = f"""  <interface name="{INTROSPECTABLE}">
    <method name="Introspect"><arg name="xml_data" type="s" direction="out"/></method>
  </interface>
  <interface name="{PROPERTIES}">
    <method name="Get">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="out"/>
    </method>
    <method name="Set">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="in"/>
    </method>
    <method name="GetAll">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="props" type="a{{sv}}" direction="out"/>
    </method>
    <signal name="PropertiesChanged">
      <arg name="interface_name" type="s"/>
      <arg name="changed_properties" type="a{{sv}}"/>
      <arg name="invalidated_properties" type="as"/>
    </signal>
  </interface>
"""
_MANAGER_XML = f"""  <interface name="{OBJECT_MANAGER}">
    <method name="GetManagedObjects">
      <arg name="objects" type="a{{oa{{sa{{sv}}}}}}" direction="out"/>
    </method>
    <signal name="InterfacesAdded">
      <arg name="object" type="o"/>
      <arg name="interfaces" type="a{{sa{{sv}}}}"/>
    </signal>
    <signal name="InterfacesRemoved">
      <arg name="object" type="o"/>
      <arg name="interfaces" type="as"/>
    </signal>
  </interface>
"""
_DOCTYPE = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)


def verify(interface: Interface, implementation: object) -> None:
    """Check that `implementation` has every member of `interface`; raises TypeError otherwise."""
    for method in interface.methods.values():
        function = getattr(implementation, snake(method.name), None)
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{type(implementation).__name__} has no method {snake(method.name)}")
        if len(inspect.signature(function).parameters) != len(method.inputs) + 1:
            raise TypeError(f"{type(implementation).__name__}.{snake(method.name)} takes other arguments")
    for name in interface.properties:
        if not hasattr(implementation, snake(name)):
            raise TypeError(f"{type(implementation).__name__} has no property {snake(name)}")


def property_keys(interface: Interface) -> dict[str, Key]:
    """Return the properties of an interface as the keys of a dictionary."""
    return {name: Key(arg.signature, arg.keys) for name, arg in interface.properties.items()}


@cache
def _interface_keys() -> dict[str, Key]:
    return {name: Key("a{sv}", property_keys(interface)) for name, interface in interfaces().items()}


class _Properties:
    """The properties of one interface of one object, as they were last told."""

    def __init__(self, interface: Interface, implementation: object) -> None:
        self.interface = interface
        self.implementation = implementation
        self.told: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        return {name: getattr(self.implementation, snake(name)) for name in self.interface.properties}

    def keys(self) -> dict[str, Key]:
        return property_keys(self.interface)


class ObjectServer:
    """The objects below `root` on a connection; `root` "" has no ObjectManager. It becomes the connection's handler."""

    def __init__(self, connection: Connection, root: str = "", authorize: Authorize | None = None) -> None:
        self._connection = connection
        self._root = root
        self._authorize = authorize
        self._objects: dict[str, dict[str, _Properties]] = {}
        self._calls: dict[str, set[asyncio.Task[Any] | None]] = {}
        self._turn = {member: asyncio.Lock() for member in _LARGE}
        self._turns: dict[str, dict[str, asyncio.Lock]] = {}
        self.last_call = time.monotonic()
        connection.serve(self._handle)

    # ---- the tree ------------------------------------------------------------------------------------------------

    def add(self, path: str, implementations: Mapping[str, object]) -> None:
        """Put an object on the bus, or more interfaces on one. Raises TypeError when a member is missing."""
        added: dict[str, _Properties] = {}
        for name, implementation in implementations.items():
            interface = interfaces()[name]
            verify(interface, implementation)
            added[name] = _Properties(interface, implementation)
            added[name].told = added[name].read()
        self._objects.setdefault(path, {}).update(added)
        if self._root and not self._connection.closed:
            told = {name: entry.told for name, entry in added.items()}
            self._connection.emit(
                self._root, OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", (path, told),
                keys=(None, _interface_keys()),
            )  # fmt: skip

    def remove(self, path: str) -> None:
        """Take an object off the bus."""
        gone = self._objects.pop(path, {})
        if gone and self._root and not self._connection.closed:
            self._connection.emit(self._root, OBJECT_MANAGER, "InterfacesRemoved", "oas", (path, list(gone)))

    def refresh(self, path: str) -> None:
        """Tell those properties of an object that are different from what was last told."""
        for name, entry in self._objects.get(path, {}).items():
            now = entry.read()
            changed = {key: value for key, value in now.items() if value != entry.told.get(key)}
            entry.told = now
            if changed and not self._connection.closed:
                self._connection.emit(
                    path, PROPERTIES, "PropertiesChanged", "sa{sv}as", (name, changed, []),
                    keys=(None, entry.keys(), None),
                )  # fmt: skip

    def emit(self, path: str, interface: str, signal: str, *args: Any) -> None:
        """Send a signal of the contract."""
        if not self._connection.closed:
            declared = interfaces()[interface].signals[signal]
            signature = "".join(arg.signature for arg in declared)
            self._connection.emit(path, interface, signal, signature, args, keys=[arg.keys for arg in declared])

    # ---- calls ---------------------------------------------------------------------------------------------------

    async def _handle(self, incoming: Incoming) -> Reply:
        self.last_call = time.monotonic()
        running = self._calls.setdefault(incoming.sender, set())
        if len(running) >= MAX_CALLS:
            raise Problem("Busy")
        task = asyncio.current_task()
        running.add(task)
        try:
            return await self._dispatch(incoming, incoming.decode())
        finally:
            running.discard(task)
            if not running:
                self._calls.pop(incoming.sender, None)
                self._turns.pop(incoming.sender, None)

    @property
    def busy(self) -> bool:
        """Calls are being served."""
        return bool(self._calls)

    def forget(self, sender: str) -> None:
        """Cancel the calls of a sender that left the bus."""
        for task in self._calls.get(sender, set()).copy():
            if task is not None:
                task.cancel()

    async def _dispatch(self, incoming: Incoming, args: tuple[Any, ...]) -> Reply:
        call = Call(incoming.sender, incoming.path, incoming.interface, incoming.member, incoming.interactive)
        current_call.set(call)
        standard = {INTROSPECTABLE: self._introspect, PROPERTIES: self._properties, OBJECT_MANAGER: self._managed}
        if incoming.interface in standard:
            return await standard[incoming.interface](call, incoming.signature, args)
        entry, method = self._find(incoming)
        if incoming.signature != method.signature:
            wanted = f"The arguments of {method.name} are ({method.signature})."
            raise Problem("InvalidArgument", argument="arguments", detail=wanted)
        for arg, value in zip(method.inputs, args, strict=True):
            _check_argument(arg, value)
        if self._authorize is not None:
            await self._authorize(call, method, entry.implementation, args)

        async def make() -> Reply:
            return _reply(method, await getattr(entry.implementation, snake(method.name))(call, *args))

        return await (self._in_turn(call, make) if method.name in _LARGE else make())

    async def _in_turn(self, call: Call, make: Callable[[], Awaitable[Reply]]) -> Reply:
        """Make an answer when the one before it is on its way, so that they do not add up. Callers take turns."""
        turn = self._turn[call.member]
        async with self._turns.setdefault(call.sender, {}).setdefault(call.member, asyncio.Lock()):
            await turn.acquire()
            try:
                await self._connection.room()
                reply = await make()
            except BaseException:
                turn.release()
                raise
        reply.sent = turn.release
        return reply

    def _find(self, incoming: Incoming) -> tuple[_Properties, Method]:
        found = self._objects.get(incoming.path)
        if found is None:
            raise Problem("NotFound", what=incoming.path)
        for name, entry in found.items():
            method = entry.interface.methods.get(incoming.member)
            if incoming.interface in ("", name) and method is not None:
                return entry, method
        raise BusError(f"{DBUS}.Error.UnknownMethod", "The object has no such method.")

    async def _read_allowed(self, call: Call) -> None:
        if self._authorize is not None:
            await self._authorize(call, None, None, ())

    # ---- the standard interfaces ---------------------------------------------------------------------------------

    async def _introspect(self, call: Call, signature: str, _args: tuple[Any, ...]) -> Reply:
        if call.member != "Introspect" or signature:
            raise BusError(f"{DBUS}.Error.UnknownMethod", "Introspectable has no such method.")
        found = self._objects.get(call.path, {})
        parts = [_DOCTYPE, "<node>\n"]
        if found:
            parts += [_STANDARD_XML, _MANAGER_XML if call.path == self._root else ""]
            parts += [f"  {entry.interface.xml}\n" for entry in found.values()]
        parts += [f'  <node name="{name}"/>\n' for name in self._children(call.path)]
        return Reply(["s"], ["".join([*parts, "</node>\n"])])

    def _children(self, path: str) -> Iterator[str]:
        prefix = path.rstrip("/") + "/"
        yield from sorted({p.removeprefix(prefix).split("/")[0] for p in self._objects if p.startswith(prefix)})

    async def _managed(self, call: Call, signature: str, _args: tuple[Any, ...]) -> Reply:
        if call.member != "GetManagedObjects" or signature or call.path != self._root or not self._root:
            raise BusError(f"{DBUS}.Error.UnknownMethod", "The object has no such method.")
        await self._read_allowed(call)
        return await self._in_turn(call, self._everything)

    async def _everything(self) -> Reply:
        below = {path: found for path, found in self._objects.items() if path.startswith(self._root)}
        told = {path: {name: entry.read() for name, entry in found.items()} for path, found in below.items()}
        return Reply(["a{oa{sa{sv}}}"], [told], [_interface_keys()])

    async def _properties(self, call: Call, signature: str, args: tuple[Any, ...]) -> Reply:
        wanted = {"Get": "ss", "GetAll": "s", "Set": "ssv"}.get(call.member)
        if wanted != signature:
            raise BusError(f"{DBUS}.Error.UnknownMethod", "Properties has no such method.")
        await self._read_allowed(call)

        async def make() -> Reply:
            return self._property(call, args)

        return await (make() if call.member == "Set" else self._in_turn(call, make))

    def _property(self, call: Call, args: tuple[Any, ...]) -> Reply:
        found = self._objects.get(call.path)
        if found is None:
            raise Problem("NotFound", what=call.path)
        entry = found.get(args[0])
        if entry is None:
            raise BusError(f"{DBUS}.Error.UnknownInterface", "The object has no such interface.")
        if call.member == "GetAll":
            return Reply(["a{sv}"], [entry.read()], [entry.keys()])
        if args[1] not in entry.interface.properties:
            raise BusError(f"{DBUS}.Error.UnknownProperty", "The interface has no such property.")
        if call.member == "Set":
            raise BusError(f"{DBUS}.Error.PropertyReadOnly", "It is changed by methods.")
        declared = entry.interface.properties[args[1]]
        return Reply(["v"], [Typed(declared.signature, entry.read()[args[1]], declared.keys)], [None])


def _check_argument(arg: Arg, value: Any) -> None:
    if arg.keys is None:
        return
    if arg.signature == "a{sv}":
        check_keys(value, arg.keys)
    else:
        check(arg.name, value, Key(arg.signature, arg.keys))


def _reply(method: Method, result: Any) -> Reply:
    values = (result,) if len(method.outputs) == 1 else (result or ())
    return Reply([arg.signature for arg in method.outputs], values, [arg.keys for arg in method.outputs])


__all__ = ["Authorize", "Call", "Descriptor", "ObjectPath", "ObjectServer", "current_call", "verify"]
