# SPDX-License-Identifier: Apache-2.0
"""“Connect to a target”, step by step, as data and plain functions: no Qt, no bus.

A `Flow` is frozen. Each function takes one and returns the next, with what is to be done meanwhile as `flow.effect`:
who shows it carries the effect out and reports back with `found`, `probed`, `connected` or `failed`. Nothing typed is
lost by going back: it stays in the flow.

    ADDRESS --submit_address--> LOOKING --found--> CHOOSE --choose--> ASKING --probed--> SIGN_IN --sign_in--> OPTIONS
    OPTIONS --set_options--> CONNECTING --connected--> DONE

ASKING learns which sign-in the target wants; who need not sign in goes to OPTIONS at once. A failure leads to the step
where it can be mended, with what was typed there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from ...helper.api.errors import Problem
from ..client.connecting import Options
from ..client.objects import short_name
from ..client.operations import Found, Secrets, SignIn, parse_portal, portals_text, reachable
from ..words import mark, tr
from .link import is_link, parse_link


class Step(Enum):
    """Where the person stands."""

    ADDRESS = "address"
    LOOKING = "looking"
    CHOOSE = "choose"
    ASKING = "asking"
    SIGN_IN = "sign-in"
    OPTIONS = "options"
    CONNECTING = "connecting"
    DONE = "done"


#: The steps in which something is done, and nothing is asked.
WORKING = frozenset({Step.LOOKING, Step.ASKING, Step.CONNECTING})


@dataclass(frozen=True, slots=True)
class Discover:
    """Effect: ask the address for its targets."""

    address: str
    sign_in: SignIn
    secrets: Secrets | None


@dataclass(frozen=True, slots=True)
class Probe:
    """Effect: ask the target which sign-in it wants."""

    name: str
    portals: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Connect:
    """Effect: save the target if it is not, connect, attach its disks; keep the sign-in when asked to."""

    name: str
    portals: tuple[Mapping[str, Any], ...]
    sign_in: SignIn
    secrets: Secrets | None
    keep: bool
    options: Options


Effect = Discover | Probe | Connect

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
    options: Options = field(default_factory=Options)
    problem: Problem | None = None
    effect: Effect | None = None
    for_discovery: bool = False
    connected: tuple[str, ...] = ()


def submit_address(flow: Flow, address: str, target_name: str = "") -> Flow:
    """Take the address, or a link. With a target's name typed as well, nothing is looked for."""
    flow = replace(flow, address=address.strip(), target_name=target_name.strip(), problem=None, effect=None)
    try:
        if is_link(flow.address):
            link = parse_link(flow.address)
            how = replace(flow.sign_in, chap_name=link.user) if link.user else flow.sign_in
            flow = replace(flow, address=link.address, target_name=link.target or flow.target_name, sign_in=how)
        portal = parse_portal(flow.address)
    except Problem as problem:
        # A link that is refused may have a password in it: it is not kept.
        kept = "" if is_link(flow.address) else flow.address
        return replace(flow, step=Step.ADDRESS, address=kept, problem=problem)
    if flow.target_name:
        return choose(replace(flow, found=()), Found(flow.target_name, (portal,)))
    discover = Discover(flow.address, SignIn(), None)
    return replace(flow, step=Step.LOOKING, effect=discover, found=(), for_discovery=False)


def found(flow: Flow, targets: Sequence[Found], initiator_name: str = "") -> Flow:
    """Take what the address offers. An address that offers nothing to us is said, not shown as an empty list."""
    if flow.step is not Step.LOOKING:
        return flow
    ordered = tuple(
        sorted(map(_reachable_first, targets), key=lambda t: (not answers(t), short_name(t.name).casefold()))
    )
    if not ordered:
        problem = Problem("NoTargets", address=flow.address, initiator_name=initiator_name)
        return replace(flow, step=Step.ADDRESS, problem=problem, effect=None)
    chosen = next((target for target in ordered if flow.chosen and target.name == flow.chosen.name), ordered[0])
    return replace(flow, step=Step.CHOOSE, found=ordered, chosen=chosen, problem=None, effect=None)


def _reachable_first(target: Found) -> Found:
    return replace(target, portals=tuple(sorted(target.portals, key=lambda portal: not reachable(portal))))


def answers(target: Found) -> bool:
    """Whether one of its portals can be reached, as far as is known."""
    return any(map(reachable, target.portals))


def choose(flow: Flow, target: Found) -> Flow:
    """Take the target; it is asked first, so that only who must sign in is asked to."""
    how = SignIn() if flow.for_discovery else flow.sign_in  # discovery's sign-in is not the session's
    flow = replace(flow, chosen=target, for_discovery=False, sign_in=how, problem=None)
    return replace(flow, step=Step.ASKING, effect=Probe(target.name, target.portals))


def probed(flow: Flow, method: str, saved: SignIn | None = None) -> Flow:
    """Take which sign-in the target wants; `saved` is what the record says of it."""
    if flow.step is not Step.ASKING:
        return flow
    if method == "none":
        how = replace(flow.sign_in, method="none")
        return replace(flow, step=Step.OPTIONS, sign_in=how, secrets=Secrets(), effect=None, problem=None)
    how = flow.sign_in
    if saved is not None and saved.method != "none" and not how.chap_name:
        how = saved
    if how.method == "none":
        how = replace(how, method="chap")
    return replace(flow, step=Step.SIGN_IN, sign_in=how, effect=None, problem=None)


def sign_in(flow: Flow, how: SignIn, secrets: Secrets, *, keep: bool) -> Flow:
    """Take name and secrets."""
    flow = replace(flow, sign_in=how, secrets=secrets, keep=keep, problem=None)
    if not secrets.secret:
        return replace(flow, problem=Problem("SecretsUnavailable", target=_chosen_name(flow), detail=""), effect=None)
    if how.method == "mutual" and secrets.secret == secrets.target_secret:
        return replace(flow, problem=Problem("SecretReused"), effect=None)
    if flow.for_discovery:
        return replace(flow, step=Step.LOOKING, effect=Discover(flow.address, how, secrets))
    return replace(flow, step=Step.OPTIONS, effect=None)


def set_options(flow: Flow, options: Options) -> Flow:
    """Take the options, and connect."""
    flow = replace(flow, options=options, problem=None)
    if flow.chosen is None:
        return replace(flow, effect=None)
    secrets = flow.secrets if flow.sign_in.method != "none" else None
    effect = Connect(flow.chosen.name, flow.chosen.portals, flow.sign_in, secrets, flow.keep, options)
    return replace(flow, step=Step.CONNECTING, effect=effect)


def failed(flow: Flow, problem: Problem) -> Flow:
    """Take a failure: to the step where it can be mended, with what was typed."""
    flow = replace(flow, effect=None, problem=None if problem.code == "Cancelled" else problem)
    if flow.step not in WORKING:
        return flow
    if problem.code in SIGN_IN_ERRORS and flow.step is not Step.ASKING:
        first = problem.code == "AuthenticationRequired" and flow.sign_in.method == "none"
        return replace(
            flow,
            step=Step.SIGN_IN,
            for_discovery=flow.step is Step.LOOKING,
            problem=None if first else problem,
            sign_in=flow.sign_in if flow.sign_in.method != "none" else replace(flow.sign_in, method="chap"),
        )
    return replace(flow, step=_back_of(flow))


def connected(flow: Flow, luns: Sequence[str]) -> Flow:
    """It is connected; `luns` are its disks' paths."""
    return replace(flow, step=Step.DONE, connected=tuple(luns), problem=None, effect=None, secrets=Secrets())


#: What is done in a diagnosis, as PROGRESS.
DIAGNOSIS: tuple[tuple[str, str], ...] = (
    ("resolve", mark("Look up the address")),
    ("connect", mark("Try the way there")),
    ("login", mark("Try to sign in")),
    ("scan", mark("Look for disks")),
)

_BACK: Mapping[Step, Step] = {
    Step.LOOKING: Step.ADDRESS,
    Step.CHOOSE: Step.ADDRESS,
    Step.ASKING: Step.CHOOSE,
    Step.SIGN_IN: Step.CHOOSE,
    Step.OPTIONS: Step.SIGN_IN,
    Step.CONNECTING: Step.OPTIONS,
}


def _back_of(flow: Flow) -> Step:
    step = _BACK.get(flow.step, flow.step)
    if flow.step is Step.OPTIONS and flow.sign_in.method == "none":
        step = Step.CHOOSE
    if flow.for_discovery and flow.step is Step.SIGN_IN:
        step = Step.ADDRESS
    return Step.ADDRESS if step is Step.CHOOSE and not flow.found else step


def back(flow: Flow) -> Flow:
    """Go one step back; what is under way is to be cancelled by who carries it out."""
    return replace(flow, step=_back_of(flow), problem=None, effect=None)


def by_name(flow: Flow) -> Flow:
    """The target is not among those that were found: its name is to be typed."""
    return replace(flow, step=Step.ADDRESS, problem=None, effect=None)


def describe(target: Found) -> tuple[str, str]:
    """Return a found target's readable name, and the line below it: portals and full name."""
    there = [portal for portal in target.portals if reachable(portal)]
    away = [portal for portal in target.portals if not reachable(portal)]
    parts = [portals_text(there)]
    if away:
        parts.append(tr("does not answer: {portals}").format(portals=portals_text(away)))
    parts.append(target.name)  # last: when there is no room it is what one misses least
    return short_name(target.name), " · ".join(filter(None, parts))


def subject(effect: Effect) -> str:
    """Return what an effect is about, as a person calls it."""
    return effect.address if isinstance(effect, Discover) else short_name(effect.name)


def subject_of(flow: Flow) -> str:
    """Return what a step is about, as a person calls it: the target that was chosen, else the device."""
    asks_device = flow.chosen is None or flow.for_discovery or flow.step in {Step.ADDRESS, Step.LOOKING, Step.CHOOSE}
    return flow.address if asks_device or flow.chosen is None else short_name(flow.chosen.name)


def _chosen_name(flow: Flow) -> str:
    return flow.chosen.name if flow.chosen is not None else flow.address


#: What is done in each working step, as a person sees it, by Job.Step.
PROGRESS: Mapping[Step, tuple[tuple[str, str], ...]] = {
    Step.LOOKING: (
        ("resolve", mark("Look up the address")),
        ("route", mark("Find the way there")),
        ("connect", mark("Reach the device")),
        ("login", mark("Sign in, where it asks for that")),
        ("answer", mark("Ask what it offers")),
        ("reach", mark("See which of its addresses answer")),
    ),
    Step.ASKING: (
        ("resolve", mark("Look up the address")),
        ("route", mark("Find the way there")),
        ("connect", mark("Reach the target")),
        ("login", mark("Ask how to sign in")),
    ),
    Step.CONNECTING: (
        ("resolve", mark("Look up the address")),
        ("connect", mark("Reach the target")),
        ("login", mark("Sign in")),
        ("scan", mark("Look for disks")),
        ("attach", mark("Attach the disks")),
    ),
}
