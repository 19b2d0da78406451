# SPDX-License-Identifier: Apache-2.0
"""Trying a login, as a machine: to learn which sign-in the target wants, or how far one gets. Nothing is kept of it.

A probe has an ISID of its own, so that it takes the place of no session (RFC 7143, 6.3.5).
"""

from __future__ import annotations

import os

from ..api.errors import Problem
from . import pdu
from .discovery_run import DiscoveryHost, DiscoveryRun, OneSession
from .framing import PduReader, assemble
from .keys import DEFAULTS
from .login import LoginConfig, LoginResult, Redirect
from .login.security import Random
from .login.traced import Told, TracedLogin
from .loop import Loop
from .names import Portal

_TAG = 1


class Probe:
    """The verbs of every machine. With `asking` it ends with the security stage, else with a login and a logout.

    Told besides the login's stages: "sign-in" with its attribute `method` ("none" or "chap"), "logout".
    """

    def __init__(
        self, config: LoginConfig, now: float, told: Told, *, asking: bool = False, random: Random = os.urandom
    ) -> None:
        self.config = config
        self.done = False
        self._told = told
        self._asking = asking
        self._login = TracedLogin(config, now, told, asking=asking, random=random)
        self._reader: PduReader | None = None
        self._out = b""
        self._deadline = 0.0

    @property
    def redirect(self) -> Redirect | None:
        """Where the target sends us instead (11.13.5)."""
        return self._login.redirect

    @property
    def fallback(self) -> LoginConfig | None:
        """As Login.fallback."""
        return self._login.fallback

    def feed(self, data: bytes | bytearray | memoryview, now: float) -> None:
        """Take bytes of the target; raises Problem."""
        if self.done:
            return
        if self._reader is not None:
            self._await_logout(data)
            return
        try:
            self._login.feed(data, now)
        except Problem as problem:
            if not self._asking or problem.code != "AuthenticationRequired":
                raise
            self._told("sign-in", {"method": "chap"})  # it said so in its status, without selecting (11.13.5, 0201)
            self.done = True
            return
        if self._login.asked:
            self._told("sign-in", {"method": self._login.asked})
        if self._login.result is not None:
            self._log_out(self._login.result, now)
        else:
            self.done = self._login.done

    def to_send(self) -> bytes:
        """Take what is to be sent."""
        out, self._out = self._login.to_send() + self._out, b""
        return out

    def next_deadline(self) -> float | None:
        """Return when on_timer wants to be called."""
        if self.done:
            return None
        return self._login.next_deadline() if self._reader is None else self._deadline

    def on_timer(self, now: float) -> None:
        """Raise Problem("Timeout") when the login takes too long; a logout without answer is no harm."""
        if self._reader is None:
            self._login.on_timer(now)
        elif now >= self._deadline:
            self.done = True

    def eof(self, now: float) -> None:
        """Take note that the peer closed; after the login that is as good as a logout."""
        if self._reader is None:
            self._login.eof(now)
        else:
            self.done = True

    def _log_out(self, result: LoginResult, now: float) -> None:
        self._told("logout", {})
        parameters = result.parameters
        header, data = parameters.header_digest, parameters.data_digest
        self._reader = PduReader(parameters.max_recv, header_digest=header, data_digest=data)
        seconds = int(self.config.settings.get("logout_timeout", DEFAULTS["logout_timeout"]))  # type: ignore[arg-type]
        self._deadline = now + seconds
        request = pdu.logout_request(
            pdu.LogoutReason.CLOSE_SESSION, itt=_TAG, cmd_sn=result.cmd_sn, exp_stat_sn=result.exp_stat_sn
        )
        self._out += assemble(request, header_digest=header, data_digest=data)
        self._await_logout(result.leftover)

    def _await_logout(self, data: bytes | bytearray | memoryview) -> None:
        """Wait for the answer to the logout; whatever else comes, or does not fit, concerns nobody any more."""
        if self._reader is None:
            return
        self._reader.feed(data)
        try:
            while (found := self._reader.next()) is not None:
                self.done = self.done or isinstance(pdu.parse(found[0]), pdu.LogoutResponse)
        except Problem:
            self.done = True


class ProbeRun(DiscoveryRun):
    """A probe on a socket."""

    def __init__(self, config: LoginConfig, portal: Portal, loop: Loop, host: DiscoveryHost, *, asking: bool) -> None:
        super().__init__(config, portal, loop, host)
        self._told = host.stage_reached
        self._asking = asking

    def _make(self, config: LoginConfig) -> Probe:
        return Probe(config, self._loop.now, self._told, asking=self._asking)

    def _report(self, machine: OneSession) -> None:
        """Everything was told as it happened."""
