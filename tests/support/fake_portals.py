# SPDX-License-Identifier: Apache-2.0
"""The kept addresses of the service that has only the contract's face (fake_helper.py)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from lundock.helper.api.errors import Problem
from lundock.helper.api.objects import Call
from lundock.helper.api.values import ObjectPath


@dataclass
class FakePortal:
    """Looks when it is asked to, whatever its interval is."""

    service: Any
    path: ObjectPath
    address: str
    method: str = "sendtargets"
    interval: int = 0
    owner: int = 0
    interface: str = ""
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    last_result: str = ""
    last_result_facts: dict[str, Any] = field(default_factory=dict)
    last_look: int = 0
    last_seen: int = 0
    given: list[bool] = field(default_factory=list)  # whether there were secrets, look by look

    def take(self, changes: dict[str, Any]) -> None:
        for key, value in changes.items():
            setattr(self, key.replace("-", "_"), value)

    async def refresh(self, _call: Call, options: dict[str, Any]) -> ObjectPath:
        secrets = options.get("secrets")
        self.given.append(secrets is not None)
        if secrets is not None:
            secrets.close()
        path: ObjectPath = self.service.start("refresh", [self.path], self._look)
        return path

    async def _look(self, job: Any) -> dict[str, Any]:
        try:
            found = await self.service._discover(job, self.address, {})
        except Problem as problem:
            self._looked(problem.code, dict(problem.attrs))
            raise
        known = {target.name: target for target in self.service.targets.values()}
        new = [one for one in found["targets"] if one["name"] not in known]
        paths = []
        for one in new:
            path = await self.service.add_target(None, one["name"], one["portals"], {})
            self.service.targets[path].source = self.path
            self.service.server.refresh(path)
            paths.append(path)
        self._looked("", {})
        return {"found": [known[one["name"]].path for one in found["targets"] if one not in new] + paths, "new": paths}

    def _looked(self, result: str, facts: dict[str, Any]) -> None:
        self.last_result, self.last_result_facts = result, facts
        self.last_look = int(time.time() * 1e6)
        self.last_seen = self.last_seen if result else self.last_look
        self.service.server.refresh(self.path)

    async def update(self, _call: Call, changes: dict[str, Any], _options: dict[str, Any]) -> None:
        self.take(changes)
        self.service.server.refresh(self.path)

    async def remove(self, _call: Call, options: dict[str, Any]) -> None:
        del self.service.portals[self.path]
        self.service.server.remove(self.path)
        for path, target in list(self.service.targets.items()):
            if target.source == self.path:
                target.source = ObjectPath("/")
                self.service.server.refresh(path)
                if options.get("forget-targets") and target.session == "/":
                    await target.remove(None, {})
