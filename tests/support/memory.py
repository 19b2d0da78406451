# SPDX-License-Identifier: Apache-2.0
"""A keyring that keeps nothing."""

from __future__ import annotations


class Memory:
    """A keyring in memory, as the package keyring's backends are: what is not there cannot be deleted."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]
