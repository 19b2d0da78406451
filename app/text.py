# SPDX-License-Identifier: Apache-2.0
"""Figures and states in words, for the window and the command line alike. No Qt, no bus."""

from __future__ import annotations

import re
import string
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..helper.api.errors import ERROR_PREFIX, ErrorInfo, Problem, catalogue
from .client.objects import portal_text
from .words import figure, mark, tr

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
    return f"{figure(f'{value:.{digits}f}')} {unit}"


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
    return f"{figure(f'{value:.{digits}f}')} MB/s"


def microseconds(value: float) -> str:
    """Return a duration given in microseconds: "85 µs", "1.4 ms", "2.1 s"."""
    for limit, divisor, unit in ((1000, 1, "µs"), (1_000_000, 1000, "ms")):
        if value < limit:
            digits = 0 if divisor == 1 or value / divisor >= 100 else 1
            return f"{figure(f'{value / divisor:.{digits}f}')} {unit}"
    return f"{figure(f'{value / 1e6:.1f}')} s"


#: Below so many seconds, in a unit of so many, as a span and as a time that is past.
_SPANS: Sequence[tuple[float, int, Callable[[int], str], Callable[[int], str]]] = (
    (60, 1, lambda n: tr("%n second(s)", "", n), lambda n: tr("%n second(s) ago", "", n)),
    (3600, 60, lambda n: tr("%n minute(s)", "", n), lambda n: tr("%n minute(s) ago", "", n)),
    (86400, 3600, lambda n: tr("%n hour(s)", "", n), lambda n: tr("%n hour(s) ago", "", n)),
    (86400 * 365, 86400, lambda n: tr("%n day(s)", "", n), lambda n: tr("%n day(s) ago", "", n)),
    (float("inf"), 86400 * 365, lambda n: tr("%n year(s)", "", n), lambda n: tr("%n year(s) ago", "", n)),
)


def span(seconds: float, *, past: bool = False) -> str:
    """Return a span in words: "3 minutes"; `past`: "3 minutes ago"."""
    seconds = max(seconds, 0.0)
    for limit, unit, word, ago_word in _SPANS:
        if seconds < limit:
            return (ago_word if past else word)(int(seconds // unit))
    raise AssertionError  # the last limit has no end


def ago(when: int, now: float | None = None) -> str:
    """Return a time (microseconds since 1970) in words: "3 minutes ago"."""
    seconds = (time.time() if now is None else now) - when / 1e6
    return tr("just now") if seconds < 5 else span(seconds, past=True)


def lasting(since: int, now: float | None = None) -> str:
    """Return how long it has been since a time (microseconds since 1970): "3 minutes"."""
    seconds = (time.time() if now is None else now) - since / 1e6
    return tr("a moment") if seconds < 5 else span(seconds)


def exact(when: int) -> str:
    """Return a time (microseconds since 1970) exactly, in this place's time."""
    try:
        return datetime.fromtimestamp(when / 1e6, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    except (OverflowError, OSError, ValueError):
        return str(when)


#: A target's or session's state as a person reads it.
STATES: Mapping[str, str] = {
    "connected": mark("Connected"),
    "connecting": mark("Connecting …"),
    "disconnecting": mark("Disconnecting …"),
    "lost": mark("Connection lost, reconnecting …"),
    "disconnected": mark("Not connected"),
}

#: A job's steps (Job.Step) while they are being done.
STEPS: Mapping[str, str] = {
    "resolve": mark("Looking up the address"),
    "route": mark("Finding the way there"),
    "connect": mark("Connecting to the device"),
    "login": mark("Signing in"),
    "answer": mark("Waiting for the list of targets"),
    "reach": mark("Seeing which of its addresses answer"),
    "scan": mark("Looking for disks"),
    "attach": mark("Attaching the disk"),
    "flush": mark("Writing out what is pending"),
    "detach": mark("Taking the device away"),
    "logout": mark("Logging out"),
}

KINDS: Mapping[str, str] = {
    "discover": mark("Looking for targets"),
    "refresh": mark("Looking for targets"),
    "probe": mark("Asking the target"),
    "diagnose": mark("Finding out why"),
    "login": mark("Connecting"),
    "logout": mark("Disconnecting"),
    "rescan": mark("Looking for disks"),
    "attach": mark("Attaching"),
    "eject": mark("Ejecting"),
}

#: When a target is connected (Target.Startup).
STARTUPS: Mapping[str, str] = {
    "manual": mark("by hand"),
    "login": mark("when I log in"),
    "boot": mark("when the computer starts"),
}

#: Events that the service is known to send (GetEvents), each with its sentence.
EVENTS: Mapping[str, str] = {
    "connected": mark("Connected"),
    "disconnected": mark("Disconnected"),
    "refused": mark("Could not connect"),
    "lost": mark("The connection was lost"),
    "restored": mark("The connection is back"),
    "redirected": mark("The target sent us to another address"),
    "moved": mark("The target moved to another address for good"),
    "short-secret": mark("The secret is short: it can be guessed by who listens in"),
    "ended": mark("The session ended"),
    "worker-died": mark("The process that serves this target ended; it is started again"),
    "recovery-timeout": mark("The target was away for too long; reading and writing failed"),
    "attached": mark("Disk attached"),
    "not-attached": mark("A disk could not be attached"),
    "ejected": mark("Disk ejected; it is safe to unplug"),
    "capacity-changed": mark("A disk changed its size"),
    "luns-changed": mark("The list of disks changed"),
    "detached": mark("A disk's device was taken away by somebody else"),
    "resized": mark("A disk changed its size"),
    "target-found": mark("A new target was found"),
    "target-vanished": mark("The target is not offered any more"),
    "target-returned": mark("The target is offered again"),
    "discovery-failed": mark("Looking for targets failed"),
    "store-damaged": mark("The file with the saved targets was damaged and set aside"),
    "identity-changed": mark("Another disk stands in a disk's place; it was refused"),
    "command-timeout": mark("A command took too long and was aborted"),
    "unit-reset": mark("A disk did not answer and was reset"),
    "io-error": mark("Reading or writing failed"),
    "thin-threshold": mark("The target is running out of space"),
    "async-message": mark("The target sent a message"),
    # What units say by their sense data (helper/engine/scsi/sense.py).
    "no-space": mark("The target has no space left for a disk; writing failed"),
    "write-protected": mark("A disk is write-protected; writing failed"),
    "medium-error": mark("A part of a disk cannot be read or written"),
    "hardware-error": mark("A disk reports a hardware fault"),
    "failure-predicted": mark("A disk expects to fail soon"),
    "recovered-error": mark("A disk had trouble, but could do what was asked"),
    "deferred-error": mark("A disk reports that something written earlier failed"),
    "reservation-conflict": mark("A disk is reserved by another computer"),
    "reservations-changed": mark("Another computer changed who may use a disk"),
    "access-changed": mark("The target changed by which way a disk is reached"),
    "needs-start": mark("A disk is stopped; it has to be started at the target"),
    "no-medium": mark("There is no medium in a drive"),
    "inquiry-changed": mark("A disk changed what it says about itself"),
    "mode-changed": mark("A disk changed its settings"),
    "reset": mark("A disk was reset or switched on"),
    "nexus-lost": mark("A disk forgot this computer, and was asked again"),
    "cleared": mark("The target threw commands away; they were sent again"),
    "aborted": mark("The target gave a command up; it was sent again"),
    "unit-attention": mark("A disk reports a change"),
    "digest-error": mark("Data was damaged on the way to the target, and sent again"),
    "protocol-error": mark("The target did not understand a command"),
    "out-of-range": mark("Something behind the end of a disk was asked for"),
    "unsupported": mark("A disk does not know a command"),
    "miscompare": mark("A disk found other data than it should"),
    "no-sense": mark("A disk failed without saying why"),
    "queue-full": mark("A disk had too many commands at once, and gets fewer for a while"),
    "busy": mark("A disk is busy"),
}


def state(word: str) -> str:
    """Return a state in words; one that is not known is shown as it is."""
    return tr(STATES[word]) if word in STATES else word.capitalize()


def step(word: str, kind: str = "") -> str:
    """Return a job's step in words."""
    known = STEPS.get(word) or KINDS.get(kind)
    return tr(known) if known else word.capitalize() or tr("Working")


def kind(word: str) -> str:
    """Return what kind of work a job is, in words."""
    return tr(KINDS[word]) if word in KINDS else word.capitalize() or tr("Working")


def startup(word: str) -> str:
    """Return when a target is connected, in words."""
    return tr(STARTUPS[word]) if word in STARTUPS else word


def event(kind: str) -> str:
    """Return an event in words."""
    return tr(EVENTS[kind]) if kind in EVENTS else kind.replace("-", " ").capitalize()


#: Why a disk was attached as it was (Lun.AttachReason), and why it cannot be (Problem("AttachMethodUnavailable")): what
#: the service (helper/attach/) says of the ways that it has.
REASONS = (
    mark("a block device that any kernel with FUSE can have"),
    mark("a file, for programs that work on disk images"),
    mark("a file and no block device, because the service runs without root rights"),
    mark("The service runs without root rights."),
    mark("This kernel has no FUSE, or the container hides it."),
    mark("This kernel has no loop devices, or the container hides them."),
    mark("The program fusermount3 (package fuse3) is missing."),
)


def attach_reason(words: str) -> str:
    """Return it in the person's language; what is not known as the service says it."""
    return _reasons(words).rstrip(".")


def _reasons(words: str) -> str:
    """Return one or several of them."""
    for one in REASONS:
        words = words.replace(one, tr(one))
    return words


#: What the service adds to a problem ("detail") that a person can mend; what it says of a target that breaks the
#: standard stays as it is, for the target's maker.
SENTENCES = (
    mark("It refuses CHAP; set it to CHAP, or sign in without a secret."),
    mark("It does not do CHAP for this computer."),
    mark("It refuses all algorithms that were offered."),
    mark("It knows neither CHAP nor going without."),
    mark("This computer has none of the algorithms."),
    mark("None was given."),
    mark("The target's own secret is missing."),
    mark("A target's name looks like iqn.2001-04.com.example:disk, eui.0123456789abcdef or naa.0123456789abcdef."),
    mark("A name looks like iqn.2001-04.com.example:disk, eui.0123456789abcdef or naa.0123456789abcdef."),
    mark("It cannot be used in a login."),
    mark("They are not a power of two."),
    mark("A newer version of Lundock wrote them."),
)


_PLAIN = re.compile(r"[-{}]")
_DETAILS = {
    "lun": mark("LUN {}"),
    "device": "{}",
    "method": mark("method {}"),
    "size": mark("now {}"),
    "untold": mark("{} more like it just before"),
}


def detail(values: Mapping[str, Any]) -> str:
    """Return an event's detail on one line; an error code in it becomes its sentence, which has the rest in it."""
    code = next((values[key] for key in ("code", "error", "problem") if values.get(key)), "")
    if isinstance(code, str) and code:
        attrs = {k.replace("-", "_"): v for k, v in values.items() if isinstance(v, str | int)}
        more = tr(_DETAILS["untold"]).format(values["untold"]) if values.get("untold") else ""
        return " · ".join(filter(None, (_explain(code.removeprefix(ERROR_PREFIX), attrs).summary, more)))
    rest = dict(values)
    parts = []
    if rest.get("address"):
        portal = str(rest.pop("address"))  # of a kept one all of it, as it was typed
        if "port" in rest:
            portal = portal_text({"address": portal, "port": rest.pop("port")})
        parts.append(tr("at {portal}").format(portal=portal))
    if isinstance(rest.get("lun"), str):
        rest["lun"] = lun_number(rest["lun"])
    if isinstance(rest.get("size"), int):
        rest["size"] = size(rest["size"])
    for key, value in rest.items():
        if value not in ("", None):
            pattern = tr(_DETAILS[key]) if key in _DETAILS else _PLAIN.sub(" ", key) + " {}"
            parts.append(pattern.format(value))
    return " · ".join(parts)


def lun_number(address: str) -> str:
    """Return the number of a LUN field in hexadecimal as people write it (SAM: peripheral and flat addressing)."""
    if len(address) != 16 or set(address.lower()) - set("0123456789abcdef"):
        return address
    first = int(address[:4], 16)
    return str(first & 0x3FFF) if first >> 14 in {0, 1} and int(address[4:], 16) == 0 else address


#: Who can have a device (Lun.Holders' kind), with the name put in.
HOLDERS: Mapping[str, str] = {
    "mount": mark("mounted on {name}"),
    "swap": mark("swap space {name}"),
    "device": mark("used by {name}"),
    "process": "{name}",
}


def holder(values: Mapping[str, Any]) -> str:
    """Return who has a device, in words."""
    kind, name = str(values.get("kind", "")), str(values.get("name", "?"))
    if kind == "process" and values.get("pid"):
        return tr("{name} (process {pid})").format(name=name, pid=values["pid"])
    return (tr(HOLDERS[kind]) if kind in HOLDERS else "{name}").format(name=name)


def explain(problem: Problem) -> ErrorInfo:
    """Return the three sentences of a problem: what happened, what it means, what to do."""
    return _explain(problem.code, problem.attrs)


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


#: What was waited for (Problem("Timeout", what=…)).
_AWAITED: Mapping[str, str] = {
    "login": mark("signing in"),
    "logout": mark("logging out"),
    "list of targets": mark("the list of targets"),
    "command": mark("reading or writing"),
    "ping": mark("a sign of life"),
    "abort": mark("giving a command up"),
    "secrets": mark("the secret"),
}


def _explain(code: str, attrs: Mapping[str, str | int]) -> ErrorInfo:
    """As errors.describe, in the person's language."""
    info = catalogue().get(code) or catalogue()["Internal"]
    values = _Blank(attrs)
    if code == "Timeout" and attrs.get("what") in _AWAITED:
        values["what"] = tr(_AWAITED[str(attrs["what"])])
    if isinstance(reason := attrs.get("reason"), str):
        values["reason"] = _reasons(reason)
    if attrs.get("detail") in SENTENCES:
        values["detail"] = tr(str(attrs["detail"]))

    def fill(words: str) -> str:
        return string.Formatter().vformat(tr(words), (), values).strip() if words else ""

    return replace(info, summary=fill(info.summary), meaning=fill(info.meaning), action=fill(info.action))
