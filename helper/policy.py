# SPDX-License-Identifier: Apache-2.0
"""Which action a call needs: from the contract's annotation, and from whose things it is about. Knows no bus."""

from __future__ import annotations


def action_for(action: str, *, owner: int | None, uid: int) -> str:
    """Return the action for a call whose method names `action`, on a thing of `owner` (None: nobody's), by user `uid`.

    Connecting, attaching and ejecting what one saved oneself, and looking at an address that one keeps, is
    "connect-own". What belongs to another person and asks only for "view", as cancelling their job does, needs
    "configure".
    """
    if owner is None:
        return action
    if action in ("connect", "discover") and owner == uid:
        return "connect-own"
    if action == "view" and owner != uid:
        return "configure"
    return action
