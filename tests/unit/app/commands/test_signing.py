# SPDX-License-Identifier: Apache-2.0
"""How commands sign in: secrets from files, descriptors, and a person, who is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import answer, failure, lundock
from support.fake_helper import SECRETS, RunningFake
from support.terminal import on_terminal


def test_secrets_from_a_file_standard_input_and_a_descriptor(fake: RunningFake, tmp_path: Path) -> None:
    fake.add("mutual-vault", "Vault")
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.write_text(SECRETS[0] + "\nmore\n")
    theirs.write_text(SECRETS[1] + "\r\n")
    assert failure(fake, "login", "Vault") == "AuthenticationRequired"
    assert failure(fake, "login", "Vault", "--user", "me") == "SecretsUnavailable"
    assert (
        failure(fake, "login", "Vault", "--user", "me", "--secret-file", "-", given="wrong\n") == "AuthenticationFailed"
    )
    assert failure(fake, "login", "Vault", "--secret-file", str(tmp_path / "none")) == "InvalidArgument"
    assert failure(fake, "login", "Vault", "--secret-file", "-", given="\n") == "InvalidArgument"
    with theirs.open("rb") as stream:
        arguments = ("--user", "me", "--secret-file", str(mine), "--target-secret-fd", str(stream.fileno()))
        done = answer(fake, "login", "Vault", *arguments)
    assert done["session"]["state"] == "connected"


def test_a_record_that_signs_in_never_waits_for_what_cannot_come(fake: RunningFake) -> None:
    fake.add("chap-vault", **{"sign-in": "chap", "chap-name": "me"})
    assert failure(fake, "login", "vault") == "SecretsUnavailable"
    assert "login" not in fake.helper.calls


def test_a_person_is_asked_for_what_is_missing(fake: RunningFake) -> None:
    with on_terminal(fake, 80, "connect", "nas.local", "chap-vault", "--no-attach") as terminal:
        terminal.until("Name to sign in with")
        terminal.types("me\n")
        terminal.until("Secret for")
        terminal.types("correct horse b\n")
        assert terminal.end() == 0
    assert "Connected to" in terminal.screen
    assert "correct horse" not in terminal.screen, "a secret is not shown"


@pytest.mark.parametrize("command", ["login", "connect"])
def test_after_a_wrong_secret_a_person_is_told_why_and_asked_again(fake: RunningFake, command: str) -> None:
    fake.add("chap-vault", "Vault", **{"sign-in": "chap", "chap-name": "me"})
    words = ("connect", "Vault", "--no-attach") if command == "connect" else ("login", "Vault")
    with on_terminal(fake, 80, *words) as terminal:
        for number, secret in enumerate(("wrong horse bat", "still wrong bat", SECRETS[0]), 1):
            terminal.until_times("Secret for", number)
            terminal.types(secret + "\n")
        assert terminal.end() == 0
    assert terminal.screen.count("refused the name or the secret") == 2
    assert "Connected to" in terminal.screen
    assert not any(secret in terminal.screen for secret in ("wrong", SECRETS[0]))


def test_after_three_wrong_ones_the_refusal_is_the_answer(fake: RunningFake) -> None:
    fake.add("chap-vault", "Vault", **{"sign-in": "chap", "chap-name": "me"})
    with on_terminal(fake, 80, "login", "Vault") as terminal:
        for number in (1, 2, 3):
            terminal.until_times("Secret for", number)
            terminal.types("wrong horse bat\n")
        assert terminal.end() == 31
    assert "[AuthenticationFailed]" in terminal.screen
    assert terminal.screen.count("Secret for") == fake.helper.calls.count("login") == 3


def test_who_typed_the_name_may_type_another(fake: RunningFake) -> None:
    fake.add("chap-vault", "Vault")
    with on_terminal(fake, 80, "login", "Vault") as terminal:
        terminal.until("Name to sign in with")
        terminal.types("mee\n")
        terminal.until("Secret for")
        terminal.types("wrong horse bat\n")
        terminal.until("Name to sign in with [mee]")
        terminal.types("me\n")
        terminal.until_times("Secret for", 2)
        terminal.types(SECRETS[0] + "\n")
        assert terminal.end() == 0


def test_when_the_target_did_not_prove_itself_only_its_own_secret_is_asked_again(fake: RunningFake) -> None:
    fake.add("mutual-vault", "Vault", **{"sign-in": "mutual", "chap-name": "me", "target-chap-name": "it"})
    with on_terminal(fake, 80, "login", "Vault") as terminal:
        terminal.until("Secret for")
        terminal.types(SECRETS[0] + "\n")
        terminal.until("The target's own secret")
        terminal.types("wrong battery s\n")
        terminal.until("could not prove who it is")
        terminal.until_times("The target's own secret (", 2)
        terminal.types(SECRETS[1] + "\n")
        assert terminal.end() == 0
    assert terminal.screen.count("Secret for") == 1


def test_a_secret_from_a_file_is_tried_once_even_on_a_terminal(fake: RunningFake, tmp_path: Path) -> None:
    fake.add("chap-vault", "Vault")
    (tmp_path / "wrong").write_text("wrong horse bat\n")
    words = ("login", "Vault", "--user", "me", "--secret-file", str(tmp_path / "wrong"))
    with on_terminal(fake, 80, *words) as terminal:
        assert terminal.end() == 31
    assert failure(fake, *words) == "AuthenticationFailed"
    assert lundock(fake, *words).exit_code == 31
    assert fake.helper.calls.count("login") == 3
