# SPDX-License-Identifier: Apache-2.0
"""“Connect to a target”, step by step, as data and plain functions: no Qt, no bus.

A `Flow` is frozen. Each function takes one and returns the next, with what is to be done meanwhile as `flow.effect`:
who shows it carries the effect out and reports back with `found`, `connected` or `failed`. Nothing typed is lost by
going back: it stays in the flow.

    ADDRESS --submit_address--> LOOKING --found--> CHOOSE --choose--> CONNECTING --connected--> DONE
                                  |                                    |  ^
                                  +--failed--> ADDRESS (or SIGN_IN)    |  +--sign_in-- SIGN_IN
                                                                       +--failed--> SIGN_IN or CHOOSE, with the problem
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from ...helper.api.errors import Problem
from ..client.objects import short_name
from ..client.operations import Found, Secrets, SignIn, parse_portal, portals_text


class Step(Enum):
    """Where the person stands."""

    ADDRESS = "address"
    LOOKING = "looking"
    CHOOSE = "choose"
    SIGN_IN = "sign-in"
    CONNECTING = "connecting"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Discover:
    """Effect: ask the address for its targets."""

    address: str
    sign_in: SignIn
    secrets: Secrets | None


@dataclass(frozen=True, slots=True)
class Connect:
    """Effect: save the target if it is not, connect, attach its disks; keep the sign-in when asked to."""

    name: str
    portals: tuple[Mapping[str, Any], ...]
    sign_in: SignIn
    secrets: Secrets | None
    keep: bool
    attach: bool


Effect = Discover | Connect

#: Errors that a name and a secret may mend.
SIGN_IN_ERRORS = frozenset(
    {"AuthenticationRequired", "AuthenticationFailed", "TargetNotAuthenticated", "SecretReused", "SecretTooShort",
     "SecretsUnavailable", "AuthenticationMethodRefused"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything that was typed, chosen and found."""

    step: Step = Step.ADDRESS
    address: str = ""
    target_name: str = ""
    found: tuple[Found, ...] = ()
    chosen: Found | None = None
    sign_in: SignIn = field(default_factory=SignIn)
    secrets: Secrets = field(default_factory=Secrets)
    keep: bool = True
    attach: bool = True
    problem: Problem | None = None
    effect: Effect | None = None
    for_discovery: bool = False
    connected: tuple[str, ...] = ()


def submit_address(flow: Flow, address: str, target_name: str = "") -> Flow:
    """Take the address; with a target's name typed as well, nothing is looked for."""
    flow = replace(flow, address=address.strip(), target_name=target_name.strip(), problem=None, effect=None)
    try:
        portal = parse_portal(flow.address)
    except Problem as problem:
        return replace(flow, step=Step.ADDRESS, problem=problem)
    if flow.target_name:
        return choose(replace(flow, found=()), Found(flow.target_name, (portal,)))
    discover = Discover(flow.address, SignIn(), None)
    return replace(flow, step=Step.LOOKING, effect=discover, found=(), for_discovery=False)


def found(flow: Flow, targets: Sequence[Found]) -> Flow:
    """Take what the address offers. An address that offers nothing to us is said, not shown as an empty list."""
    if flow.step is not Step.LOOKING:
        return flow
    ordered = tuple(sorted(targets, key=lambda t: short_name(t.name).casefold()))
    if not ordered:
        problem = Problem("NotFound", what=f"target at {flow.address} that this computer may see")
        return replace(flow, step=Step.ADDRESS, problem=problem, effect=None)
    return replace(flow, step=Step.CHOOSE, found=ordered, chosen=ordered[0], problem=None, effect=None)


def choose(flow: Flow, target: Found) -> Flow:
    """Take the target; it is tried without signing in first, so that only who must is asked."""
    flow = replace(flow, chosen=target, for_discovery=False)
    return _connect(replace(flow, sign_in=SignIn(), problem=None), None)


def sign_in(flow: Flow, how: SignIn, secrets: Secrets, *, keep: bool) -> Flow:
    """Take name and secrets."""
    flow = replace(flow, sign_in=how, secrets=secrets, keep=keep, problem=None)
    if not secrets.secret:
        return replace(flow, problem=Problem("SecretsUnavailable", target=_chosen_name(flow), detail=""), effect=None)
    if how.method == "mutual" and secrets.secret == secrets.target_secret:
        return replace(flow, problem=Problem("SecretReused"), effect=None)
    if flow.for_discovery:
        return replace(flow, step=Step.LOOKING, effect=Discover(flow.address, how, secrets))
    return _connect(flow, secrets)


def _connect(flow: Flow, secrets: Secrets | None) -> Flow:
    if flow.chosen is None:
        return replace(flow, effect=None)
    effect = Connect(flow.chosen.name, flow.chosen.portals, flow.sign_in, secrets, flow.keep, flow.attach)
    return replace(flow, step=Step.CONNECTING, effect=effect)


def failed(flow: Flow, problem: Problem) -> Flow:
    """Take a failure: to the step where it can be mended, with what was typed."""
    flow = replace(flow, effect=None, problem=None if problem.code == "Cancelled" else problem)
    if flow.step not in {Step.LOOKING, Step.CONNECTING}:
        return flow
    if problem.code in SIGN_IN_ERRORS:
        first = problem.code == "AuthenticationRequired"
        return replace(
            flow,
            step=Step.SIGN_IN,
            for_discovery=flow.step is Step.LOOKING,
            problem=None if first else problem,
            sign_in=flow.sign_in if flow.sign_in.method != "none" else SignIn("chap"),
        )
    return replace(flow, step=Step.CHOOSE if flow.step is Step.CONNECTING and flow.found else Step.ADDRESS)


def connected(flow: Flow, luns: Sequence[str]) -> Flow:
    """It is connected; `luns` are its disks' paths."""
    return replace(flow, step=Step.DONE, connected=tuple(luns), problem=None, effect=None, secrets=Secrets())


_BACK: Mapping[Step, Step] = {
    Step.LOOKING: Step.ADDRESS,
    Step.CHOOSE: Step.ADDRESS,
    Step.CONNECTING: Step.CHOOSE,
    Step.SIGN_IN: Step.CHOOSE,
}


def back(flow: Flow) -> Flow:
    """Go one step back; what is under way is to be cancelled by who carries it out."""
    step = _BACK.get(flow.step, flow.step)
    if step is Step.CHOOSE and not flow.found:
        step = Step.ADDRESS
    return replace(flow, step=step, problem=None, effect=None)


def describe(target: Found) -> tuple[str, str]:
    """Return a found target's readable name, and the line below it: full name and portals."""
    return short_name(target.name), f"{target.name} · {portals_text(target.portals)}"


def _chosen_name(flow: Flow) -> str:
    return flow.chosen.name if flow.chosen is not None else flow.address


#: The steps of connecting as a person sees them, by Job.Step.
PROGRESS: tuple[tuple[str, str], ...] = (
    ("resolve", "Look up the address"),
    ("connect", "Reach the device"),
    ("login", "Sign in"),
    ("scan", "Look for disks"),
    ("attach", "Attach the disks"),
)
