# SPDX-License-Identifier: Apache-2.0
"""The D-Bus connection of both halves.

Only the library's messages and their marshalling are used. The connection is made here, because theirs ends when a
socket is full, sends texts of exceptions to callers, lets calls hang when the bus dies, loses descriptors on a full
socket, and ends when anybody on the bus sends a message of an unknown type.

    connection = await Connection.open("system")          # or "session", or an address
    job = await connection.call(path, names.LUN, "Attach", {"method": "auto"}, interactive=True)
    objects = await connection.get_managed_objects()
    await connection.subscribe(on_signal, sender=names.BUS_NAME, namespace=names.ROOT_PATH)
    await connection.watch_name(names.BUS_NAME, on_owner)
    await connection.wait_closed()                        # the bus died, or close() was called

Values are plain Python values, see values.py. What goes wrong comes as Problem: the service's errors with their
attributes; HelperUnavailable when nobody answers under the name or the bus is gone; Timeout. Every call has a deadline.

Errors on the wire: the name is io.github.lundock.Initiator1.Error.CODE, the body is "sa{sv}": the English summary (what
every library shows), then the attributes.

A connection belongs to the event loop it was opened in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from socket import socket
from typing import Any, cast

from . import names
from .buserrors import DBUS, DBUS_PATH, OBJECT_MANAGER, PROPERTIES, BusError, received, unforeseen
from .contract import interfaces
from .encoding import Encoder
from .errors import ERROR_PREFIX, Problem
from .faults import internal
from .foreign import close_all
from .messages import MAX_CALL, TOO_LONG, Message, MessageFlag, MessageType, Variant, header, read
from .signals import Rule, Signal, Subscription
from .stream import Stream, connect
from .values import Decoder, Descriptor, ObjectPath, split

log = logging.getLogger(__name__)

#: Seconds that a call may take; with the question for a password allowed, people have to find it first.
CALL_TIMEOUT = 30.0
INTERACTIVE_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Incoming:
    """A method call as it came, not yet decoded. `interactive`: its user may be asked for a password."""

    sender: str
    path: str
    interface: str
    member: str
    signature: str
    interactive: bool
    body: Sequence[Any]
    values: Decoder

    def decode(self) -> tuple[Any, ...]:
        """Return the arguments as plain values. Descriptors are closed after the call unless they are taken."""
        return self.values.body(self.signature, self.body)


@dataclass(slots=True)
class Reply:
    """What a handler answers: D-Bus types, values, and their Keys for the dictionaries among them.

    `sent` is called when nothing of it is needed any more.
    """

    signatures: Sequence[str] = ()
    values: Sequence[Any] = ()
    keys: Sequence[Any] = ()
    sent: Callable[[], None] = lambda: None


Handler = Callable[[Incoming], Awaitable[Reply]]


class Connection:
    """A connection to a message bus. Made by `open`."""

    def __init__(self, sock: socket) -> None:
        loop = asyncio.get_running_loop()
        self.unique_name = ""
        self._serial = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        #: Calls of programs of people (a service has a name): their answers are no larger than calls.
        self._strangers: set[int] = set()
        self._rules: list[Rule] = []
        self._owners: dict[str, str] = {}
        self._handler: Handler | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._stream = Stream(sock, self._received, self._ended)

    @classmethod
    async def open(cls, bus: str = "system", *, timeout: float = 10.0) -> Connection:  # noqa: ASYNC109 - a wait_for
        """Connect to "system", "session" or an address. Raises Problem("HelperUnavailable") when there is no bus."""
        try:
            async with asyncio.timeout(timeout):
                connection = cls(await connect(bus))
        except TimeoutError:
            raise Problem("HelperUnavailable") from None
        try:
            (connection.unique_name,) = await connection.call_raw(
                DBUS, DBUS_PATH, DBUS, "Hello", "", (), timeout=timeout
            )
        except BaseException:
            connection.close()
            raise
        return connection

    # ---- calls ---------------------------------------------------------------------------------------------------

    async def call(
        self,
        path: str,
        interface: str,
        method: str,
        *args: Any,
        destination: str = names.BUS_NAME,
        timeout: float | None = None,  # noqa: ASYNC109
        interactive: bool = False,
    ) -> Any:
        """Call a method of the contract; returns nothing, the one value that it answers, or a tuple of several.

        `interactive` lets polkit ask the user. Raises Problem.
        """
        known = interfaces()[interface].methods[method]
        head = {"destination": destination, "path": path, "interface": interface, "member": method}
        seconds = timeout or (INTERACTIVE_TIMEOUT if interactive else CALL_TIMEOUT)
        types, keys = [arg.signature for arg in known.inputs], [arg.keys for arg in known.inputs]
        try:
            signature, result = await self._ask(head, types, args, keys, seconds, interactive=interactive)
        except BusError as error:
            raise unforeseen(error, path) from error
        except (TypeError, ValueError) as error:
            raise Problem("InvalidArgument", argument=method, detail="A value has another type.") from error
        if signature != "".join(arg.signature for arg in known.outputs):
            raise Problem("Internal", log_id="malformed-reply")
        return result if len(result) > 1 else (result[0] if result else None)

    async def call_raw(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        args: Sequence[Any] = (),
        *,
        keys: Sequence[Any] = (),
        timeout: float | None = None,  # noqa: ASYNC109
        interactive: bool = False,
    ) -> tuple[Any, ...]:
        """Call any method of any service. Raises BusError for errors that are not ours, and Problem."""
        head = {"destination": destination, "path": path, "interface": interface, "member": member}
        seconds = timeout or (INTERACTIVE_TIMEOUT if interactive else CALL_TIMEOUT)
        return (await self._ask(head, split(signature), args, keys, seconds, interactive=interactive))[1]

    async def _ask(
        self,
        head: dict[str, Any],
        types: Sequence[str],
        args: Sequence[Any],
        keys: Sequence[Any],
        seconds: float,
        *,
        interactive: bool,
    ) -> tuple[str, tuple[Any, ...]]:
        """Call, and return the answer's signature and values."""
        flags = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION if interactive else MessageFlag.NONE
        serial = self._next_serial()
        self._waiting[serial] = future = asyncio.get_running_loop().create_future()
        if head["destination"].startswith(":"):
            self._strangers.add(serial)
        try:
            self._send({"flags": flags, "serial": serial, **head}, types, args, keys)
            async with asyncio.timeout(seconds):
                return cast("tuple[str, tuple[Any, ...]]", await future)
        except TimeoutError:
            raise Problem("Timeout", what=f"{head['interface']}.{head['member']}", seconds=int(seconds)) from None
        finally:
            del self._waiting[serial]
            self._strangers.discard(serial)

    async def get_managed_objects(self, destination: str = names.BUS_NAME, path: str = names.ROOT_PATH) -> Any:
        """Return every object: path to interface to property to value. Raises Problem."""
        try:
            (found,) = await self.call_raw(destination, path, OBJECT_MANAGER, "GetManagedObjects")
        except BusError as error:
            raise unforeseen(error, path) from error
        return found

    async def get_all(self, path: str, interface: str, destination: str = names.BUS_NAME) -> Any:
        """Return the properties of one interface of one object. Raises Problem."""
        try:
            (found,) = await self.call_raw(destination, path, PROPERTIES, "GetAll", "s", (interface,))
        except BusError as error:
            raise unforeseen(error, path) from error
        return found

    # ---- signals and names ---------------------------------------------------------------------------------------

    async def subscribe(
        self,
        callback: Callable[[Signal], None],
        *,
        sender: str = "",
        path: str = "",
        namespace: str = "",
        interface: str = "",
        member: str = "",
        args: tuple[str | None, ...] = (),
    ) -> Subscription:
        """Call back for each signal that fits; `namespace` is a path with everything below it, `args` leading strings.

        A signal that somebody else than the owner of `sender` addressed to us does not fit.
        """
        parts = {"sender": sender, "path": path, "path_namespace": namespace, "interface": interface, "member": member}
        parts |= {f"arg{n}": text for n, text in enumerate(args) if text is not None}
        rule = ",".join(["type='signal'", *(f"{name}='{value}'" for name, value in parts.items() if value)])
        entry = Rule(callback, rule, sender, path, namespace, interface, member, args)
        if sender and not sender.startswith(":") and sender != DBUS and sender not in self._owners:
            self._owners[sender] = ""
            # kept for the connection's life: the owners of a handful of names
            await self.watch_name(sender, lambda owner: self._owners.__setitem__(sender, owner))
        self._rules.append(entry)
        try:
            await self._bus("AddMatch", "s", rule)
        except BaseException:
            self._rules.remove(entry)
            raise
        return Subscription([lambda: self._unsubscribe(entry)])

    def _unsubscribe(self, entry: Rule) -> None:
        self._rules.remove(entry)
        if not self._stream.closed:
            head = {"destination": DBUS, "path": DBUS_PATH, "interface": DBUS, "member": "RemoveMatch"}
            quiet = {"flags": MessageFlag.NO_REPLY_EXPECTED, "serial": self._next_serial()}
            self._send(head | quiet, ["s"], (entry.text,), ())

    async def watch_name(self, name: str, callback: Callable[[str], None]) -> Subscription:
        """Call back with the unique name of the owner of `name`, or "": now, and at each change."""
        changed = False

        def on_change(signal: Signal) -> None:
            nonlocal changed
            changed = True
            callback(str(signal.args[2]))

        subscription = await self.subscribe(
            on_change, sender=DBUS, path=DBUS_PATH, interface=DBUS, member="NameOwnerChanged", args=(name,)
        )
        owner = await self.name_owner(name)
        if not changed:
            callback(owner)
        return subscription

    async def watch_leavers(self, callback: Callable[[str], None]) -> Subscription:
        """Call back with each name that lost its owner; unique names are those of connections that ended."""
        return await self.subscribe(
            lambda signal: callback(str(signal.args[0])),
            sender=DBUS, path=DBUS_PATH, interface=DBUS, member="NameOwnerChanged", args=(None, None, ""),
        )  # fmt: skip

    async def name_owner(self, name: str) -> str:
        """Return the unique name of the owner of `name`, or ""."""
        try:
            return str(await self._bus("GetNameOwner", "s", name))
        except BusError:
            return ""

    async def request_name(self, name: str) -> bool:
        """Ask for a name, without queueing; False when another has it. Raises BusError when it is refused."""
        do_not_queue = 4
        return await self._bus("RequestName", "su", name, do_not_queue) in (1, 4)

    async def release_name(self, name: str) -> None:
        """Give a name back."""
        await self._bus("ReleaseName", "s", name)

    async def user_of(self, unique_name: str) -> int:
        """Return the user id of a connection. Raises BusError when it has left."""
        return int(await self._bus("GetConnectionUnixUser", "s", unique_name))

    async def _bus(self, member: str, signature: str, *args: Any) -> Any:
        result = await self.call_raw(DBUS, DBUS_PATH, DBUS, member, signature, args)
        return result[0] if result else None

    def emit(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str,
        args: Sequence[Any],
        *,
        keys: Sequence[Any] = (),
    ) -> None:
        """Send a signal to everybody who listens."""
        head = {"path": path, "interface": interface, "member": member, "serial": self._next_serial()}
        self._send({"message_type": MessageType.SIGNAL, **head}, split(signature), args, keys)

    async def room(self) -> None:
        """Wait until little is left of what was sent before: who has much to send does not add to it."""
        await self._stream.room()

    def serve(self, handler: Handler) -> None:
        """Answer method calls with `handler`; see objects.ObjectServer. A Problem that it raises becomes its error."""
        self._handler = handler

    # ---- the end -------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """It has ended."""
        return self._stream.closed

    async def wait_closed(self) -> None:
        """Wait until the connection has ended, for whatever reason."""
        await asyncio.shield(self._closed)

    async def flush(self, *, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until the bus has read what was sent."""
        with contextlib.suppress(Problem, BusError):
            await self.call_raw(DBUS, DBUS_PATH, DBUS, "GetId", "", (), timeout=timeout)

    def close(self) -> None:
        """End it: waiting calls fail with Problem("HelperUnavailable"), calls being served are cancelled."""
        self._stream.close()

    def _ended(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Problem("HelperUnavailable"))
        for task in self._tasks:
            task.cancel()
        if not self._closed.done():
            self._closed.set_result(None)

    # ---- messages ------------------------------------------------------------------------------------------------

    def _next_serial(self) -> int:
        self._serial = self._serial % 0xFFFF_FFFF + 1
        return self._serial

    def _send(self, head: dict[str, Any], types: Sequence[str], values: Sequence[Any], keys: Sequence[Any]) -> None:
        if self._stream.closed:
            raise Problem("HelperUnavailable")
        encoder = Encoder()
        try:
            body = encoder.body(types, values, keys)
            data = header(Message(**head), "".join(types), len(body), len(encoder.fds)) + body
        except BaseException:
            encoder.close()
            raise
        self._stream.send(data, encoder.fds)

    def _received(self, data: bytes, fds: list[int]) -> None:
        try:
            message = read(data, self._wanted)
        except Exception:
            log.debug("a message was not understood", exc_info=True)
            message = None
        if message is None:
            close_all(fds)
            return
        actions = {
            MessageType.METHOD_CALL: self._called,
            MessageType.SIGNAL: self._signalled,
            MessageType.METHOD_RETURN: self._replied,
            MessageType.ERROR: self._replied,
        }
        actions[message.message_type](message, fds)

    def _wanted(self, head: Any) -> bool:
        """Whether somebody may have asked for this signal, or for an answer that is so large."""
        if head.message_type is not MessageType.SIGNAL:
            return head.reply_serial in self._waiting and head.reply_serial not in self._strangers
        return any(rule.about(head, self._owners.get(rule.sender, rule.sender)) for rule in self._rules)

    def _replied(self, message: Message, fds: list[int]) -> None:
        decoder = Decoder(Variant, fds)
        future = self._waiting.get(message.reply_serial)
        if future is None or future.done():
            decoder.close()
            return
        try:
            values = decoder.body(message.signature, message.body)
        except (Problem, ValueError):
            decoder.close()
            future.set_exception(Problem("Internal", log_id="malformed-reply"))
            return
        if message.message_type == MessageType.ERROR:
            future.set_exception(received(message.error_name, values))
        else:
            future.set_result((message.signature, values))

    def _signalled(self, message: Message, fds: list[int]) -> None:
        decoder = Decoder(Variant, fds)
        try:
            args = decoder.body(message.signature, message.body)
        except (Problem, ValueError):
            decoder.close()
            return
        signal = Signal(message.path, message.interface, message.member, args, message.sender or "")
        for rule in list(self._rules):
            if rule.fits(signal, self._owners.get(rule.sender, rule.sender)):
                try:
                    rule.callback(signal)
                except Exception:
                    log.exception("signal %s.%s", signal.interface, signal.member)

    def _called(self, message: Message, fds: list[int]) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(message, fds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, message: Message, fds: list[int]) -> None:
        incoming = Incoming(
            message.sender or "", message.path or "/", message.interface or "", message.member or "",
            message.signature, bool(message.flags & MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION), message.body,
            Decoder(Variant, fds),
        )  # fmt: skip
        head = {"destination": message.sender, "reply_serial": message.serial, "flags": MessageFlag.NO_REPLY_EXPECTED}
        try:
            reply = await self._answer(incoming)
            kind: dict[str, Any] = {"message_type": MessageType.METHOD_RETURN}
        except (Problem, BusError) as error:
            name = error.dbus_name if isinstance(error, Problem) else error.name
            reply = Reply(["s"], [error.text]) if isinstance(error, BusError) else _error_reply(error)
            kind = {"message_type": MessageType.ERROR, "error_name": name}
        finally:
            incoming.values.close()
        if message.flags & MessageFlag.NO_REPLY_EXPECTED or self._stream.closed:
            _drop(reply)
            return
        try:
            self._send({**head, **kind, "serial": self._next_serial()}, reply.signatures, reply.values, reply.keys)
        except (TypeError, ValueError, OSError) as error:
            failed = {"message_type": MessageType.ERROR, "error_name": ERROR_PREFIX + "Internal"}
            reply_error = _error_reply(internal(error))
            self._send(
                {**head, **failed, "serial": self._next_serial()}, reply_error.signatures, reply_error.values, ()
            )
        finally:
            _drop(reply)

    async def _answer(self, incoming: Incoming) -> Reply:
        if incoming.interface == f"{DBUS}.Peer" and incoming.member == "Ping":
            return Reply()
        if incoming.signature == TOO_LONG:
            raise Problem("InvalidArgument", argument="arguments", detail=f"They have at most {MAX_CALL >> 10} KiB.")
        if self._handler is None:
            raise BusError(f"{DBUS}.Error.UnknownObject", "There is no such object.")
        try:
            return await self._handler(incoming)
        except (Problem, BusError):
            raise
        except Exception as error:
            raise internal(error) from error


def _drop(reply: Reply) -> None:
    """Close the descriptors that a handler returned: what was sent are copies."""
    for value in reply.values:
        if isinstance(value, Descriptor):
            value.close()
    reply.sent()


def _error_reply(problem: Problem) -> Reply:
    return Reply(["s", "a{sv}"], [str(problem), problem.attrs])


__all__ = [
    "DBUS", "OBJECT_MANAGER", "PROPERTIES",
    "BusError", "Connection", "Incoming", "ObjectPath", "Reply", "Signal", "Subscription",
]  # fmt: skip
