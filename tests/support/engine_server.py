# SPDX-License-Identifier: Apache-2.0
"""A process of its own that serves a disk on a /dev/fuse descriptor with the engine alone: `python engine_server.py
URL FD [resume]`.

Prints "ready" when it serves, then each state and event. SIGTERM detaches and logs out, as an eject would.
"""

from __future__ import annotations

import logging
import sys

from lundock.helper.engine import client
from lundock.helper.engine import url as urls


class Talking(client.Client):
    """Says what the engine tells its host."""

    def state_changed(self, state: str, problem: object) -> None:
        print("state", state, flush=True)
        super().state_changed(state, problem)  # type: ignore[arg-type]

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        print("event", kind, attrs, flush=True)


def main(url: str, fd: int, *, resume: bool) -> None:
    parsed = urls.parse(url)
    with Talking(parsed) as session, client.stop_signals(session.loop) as stopped:
        info = client.unit_of(session, parsed)
        over: list[object] = []
        session.on_front_ended = lambda _front, problem: over.append(problem)
        session.engine.attach_fuse(1, info.address, fd, read_only=False, resume=resume)
        print("ready", flush=True)
        session.run_until(lambda: stopped or over)
        if not over:
            session.engine.detach(1, over.append)
            session.run_until(lambda: over)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    main(sys.argv[1], int(sys.argv[2]), resume="resume" in sys.argv[3:])
