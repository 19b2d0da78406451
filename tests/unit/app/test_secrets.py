# SPDX-License-Identifier: Apache-2.0
"""The keyring's thread: every way in which a keyring fails is a named error, and none holds anybody up."""

from __future__ import annotations

import threading
from typing import Any

import keyring.errors
import pytest
from lundock.app.client.operations import Secrets
from lundock.app.secrets import Keyring, advice, generate
from lundock.helper.api.errors import Problem
from support.memory import Memory


def test_secrets_are_kept_given_back_changed_and_forgotten() -> None:
    ring = Keyring(Memory())
    assert ring.get("iqn.a").result(5) is None
    ring.store("iqn.a", Secrets("one", "two")).result(5)
    assert ring.get("iqn.a").result(5) == Secrets("one", "two")
    assert ring.get("iqn.b").result(5) is None
    ring.store("iqn.a", Secrets("three")).result(5)
    assert ring.get("iqn.a").result(5) == Secrets("three", "")
    ring.forget("iqn.a").result(5)
    ring.forget("iqn.a").result(5)
    assert ring.get("iqn.a").result(5) is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (keyring.errors.NoKeyringError("secret text"), "no keyring"),
        (keyring.errors.KeyringLocked("secret text"), "locked"),
        (keyring.errors.InitError("secret text"), "closed"),
        (keyring.errors.PasswordSetError("secret text"), "did not take"),
        (RuntimeError("secret text"), "failed"),
    ],
)
def test_a_keyring_that_fails_says_why_in_our_words(error: Exception, words: str) -> None:
    class Broken(Memory):
        def get_password(self, service: str, username: str) -> str | None:
            raise error

    with pytest.raises(Problem) as caught:
        Keyring(Broken()).get("iqn.a").result(5)
    assert caught.value.code == "SecretsUnavailable"
    assert words in str(caught.value.attrs["detail"])
    assert "secret text" not in repr(caught.value.attrs)


def test_a_silent_keyring_is_given_up_at_the_deadline() -> None:
    answer = threading.Event()

    class Silent(Memory):
        def get_password(self, service: str, username: str) -> str | None:
            answer.wait(30)
            return "late"

    future = Keyring(Silent(), deadline=0.05).get("iqn.a")
    with pytest.raises(Problem) as caught:
        future.result(10)
    answer.set()
    assert "silent" in str(caught.value.attrs["detail"])


def test_made_up_secrets_fit_what_the_standard_advises() -> None:
    made = {generate() for _ in range(50)}
    assert len(made) == 50
    assert {advice(secret) for secret in made} == {""}


@pytest.mark.parametrize(
    ("secret", "other", "words"),
    [("", "", ""), ("short", "", "Short"), ("x" * 17, "", "Long"), ("abcdefghijkl", "abcdefghijkl", "different"),
     ("äöüäöü", "", ""), ("abcdefghijkl", "mnopqrstuvwx", "")],
)  # fmt: skip
def test_advice_while_typing(secret: str, other: str, words: str) -> None:
    assert advice(secret, other).startswith(words) or words in advice(secret, other)
    assert bool(advice(secret, other)) == bool(words)


def test_without_a_keyring_on_the_machine_it_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring as library
    from keyring.backends import fail

    def backend(*_: Any) -> Any:
        return fail.Keyring()

    monkeypatch.setattr(library.core, "get_keyring", backend)
    with pytest.raises(Problem) as caught:
        Keyring().get("iqn.a").result(10)
    assert caught.value.attrs["detail"] == "This computer has no keyring."
