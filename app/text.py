# SPDX-License-Identifier: Apache-2.0
"""Figures and states in words, for the window and the command line alike. No Qt, no bus."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..helper.api.errors import ERROR_PREFIX, ErrorInfo, Problem, describe
from .client.objects import portal_text

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def _scaled(number: float, base: int, units: tuple[str, ...]) -> str:
    value, unit = float(number), units[0]
    for unit in units:
        if abs(value) < base or unit == units[-1]:
            break
        value /= base
    if unit == units[0]:
        return f"{int(value)} {unit}"
    digits = 0 if round(value, 1) >= 100 or round(value, 2) == int(value) else 1
    return f"{value:.{digits}f} {unit}"


def size(number: int) -> str:
    """Return a size in decimal units, as disks are sold: 268435456 is "268 MB"."""
    return _scaled(number, 1000, _DECIMAL)


def size_both(number: int) -> str:
    """Return a size in both units: "268 MB (256 MiB)"."""
    decimal, binary = size(number), _scaled(number, 1024, _BINARY)
    return decimal if decimal == binary else f"{decimal} ({binary})"


def size_binary(number: int) -> str:
    """Return a size in binary units: buffers and message lengths are powers of two."""
    return _scaled(number, 1024, _BINARY)


def rate(bytes_per_second: float) -> str:
    """Return a rate in MB/s, always the same unit so that figures can be compared."""
    value = max(bytes_per_second, 0.0) / 1e6
    digits = 0 if value >= 100 else 1 if value >= 0.95 or value == 0 else 2
    return f"{value:.{digits}f} MB/s"


def microseconds(value: float) -> str:
    """Return a duration given in microseconds: "85 µs", "1.4 ms", "2.1 s"."""
    for limit, divisor, unit in ((1000, 1, "µs"), (1_000_000, 1000, "ms")):
        if value < limit:
            return f"{value / divisor:.{0 if divisor == 1 or value / divisor >= 100 else 1}f} {unit}"
    return f"{value / 1e6:.1f} s"


_SPANS = ((60, 1, "second"), (3600, 60, "minute"), (86400, 3600, "hour"), (86400 * 365, 86400, "day"))


def span(seconds: float) -> str:
    """Return a span in words: "3 minutes"."""
    seconds = max(seconds, 0.0)
    for limit, unit_seconds, word in _SPANS:
        if seconds < limit:
            count = int(seconds // unit_seconds)
            return f"{count} {word}{'' if count == 1 else 's'}"
    years = int(seconds // (86400 * 365))
    return f"{years} year{'' if years == 1 else 's'}"


def ago(when: int, now: float | None = None) -> str:
    """Return a time (microseconds since 1970) in words: "3 minutes ago"."""
    seconds = (time.time() if now is None else now) - when / 1e6
    return "just now" if seconds < 5 else f"{span(seconds)} ago"


def exact(when: int) -> str:
    """Return a time (microseconds since 1970) exactly, in this place's time."""
    try:
        return datetime.fromtimestamp(when / 1e6, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    except (OverflowError, OSError, ValueError):
        return str(when)


#: A target's or session's state as a person reads it.
STATES: Mapping[str, str] = {
    "connected": "Connected",
    "connecting": "Connecting …",
    "disconnecting": "Disconnecting …",
    "lost": "Connection lost, reconnecting …",
    "disconnected": "Not connected",
}

#: A job's steps (Job.Step) while they are being done.
STEPS: Mapping[str, str] = {
    "resolve": "Looking up the address",
    "connect": "Connecting to the device",
    "login": "Signing in",
    "scan": "Looking for disks",
    "attach": "Attaching the disk",
    "flush": "Writing out what is pending",
    "detach": "Taking the device away",
    "logout": "Logging out",
}

KINDS: Mapping[str, str] = {
    "discover": "Looking for targets",
    "login": "Connecting",
    "logout": "Disconnecting",
    "rescan": "Looking for disks",
    "attach": "Attaching",
    "eject": "Ejecting",
}

#: Events that the service is known to send (GetEvents), each with its sentence.
EVENTS: Mapping[str, str] = {
    "connected": "Connected",
    "disconnected": "Disconnected",
    "refused": "Could not connect",
    "lost": "The connection was lost",
    "restored": "The connection is back",
    "redirected": "The target sent us to another address",
    "ended": "The session ended",
    "worker-died": "The process that serves this target ended; it is started again",
    "recovery-timeout": "The target was away for too long; reading and writing failed",
    "attached": "Disk attached",
    "ejected": "Disk ejected; it is safe to unplug",
    "capacity-changed": "A disk changed its size",
    "luns-changed": "The list of disks changed",
    "identity-changed": "Another disk stands in a disk's place; it was refused",
    "command-timeout": "A command took too long and was aborted",
    "io-error": "Reading or writing failed",
    "thin-threshold": "The target is running out of space",
    "async-message": "The target sent a message",
}


def state(word: str) -> str:
    """Return a state in words; one that is not known is shown as it is."""
    return STATES.get(word, word.capitalize())


def step(word: str, kind: str = "") -> str:
    """Return a job's step in words."""
    return STEPS.get(word) or KINDS.get(kind) or word.capitalize() or "Working"


def event(kind: str) -> str:
    """Return an event in words."""
    return EVENTS.get(kind) or kind.replace("-", " ").capitalize()


_DETAILS = {"lun": "LUN {}", "device": "{}", "method": "method {}", "size": "now {}"}


def detail(values: Mapping[str, Any]) -> str:
    """Return an event's detail on one line; an error code in it becomes its sentence, which has the rest in it."""
    code = next((values[key] for key in ("code", "error", "problem") if values.get(key)), "")
    if isinstance(code, str) and code:
        attrs = {k.replace("-", "_"): v for k, v in values.items() if isinstance(v, str | int)}
        return describe(code.removeprefix(ERROR_PREFIX), attrs).summary
    rest = dict(values)
    parts = []
    if rest.get("address"):
        parts.append(f"at {portal_text({'address': rest.pop('address'), 'port': rest.pop('port', 3260)})}")
    if isinstance(rest.get("lun"), str):
        rest["lun"] = lun_number(rest["lun"])
    if isinstance(rest.get("size"), int):
        rest["size"] = size(rest["size"])
    for key, value in rest.items():
        if value not in ("", None):
            parts.append(_DETAILS.get(key, key.replace("-", " ") + " {}").format(value))
    return " · ".join(parts)


def lun_number(address: str) -> str:
    """Return the number of a LUN field in hexadecimal as people write it (SAM: peripheral and flat addressing)."""
    if len(address) != 16 or set(address.lower()) - set("0123456789abcdef"):
        return address
    first = int(address[:4], 16)
    return str(first & 0x3FFF) if first >> 14 in {0, 1} and int(address[4:], 16) == 0 else address


def holder(values: Mapping[str, Any]) -> str:
    """Return who has a device, in words."""
    kind, name = values.get("kind", ""), str(values.get("name", "?"))
    if kind == "process" and values.get("pid"):
        return f"{name} (process {values['pid']})"
    words = {"mount": "mounted on {}", "swap": "swap space {}", "device": "used by {}", "process": "{}"}
    return words.get(str(kind), "{}").format(name)


def explain(problem: Problem) -> ErrorInfo:
    """Return the three sentences of a problem: what happened, what it means, what to do."""
    return describe(problem.code, problem.attrs)
