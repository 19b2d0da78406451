# SPDX-License-Identifier: Apache-2.0
"""`lundock completion SHELL` prints click's script; the one for bash is ours, for names with colons in them."""

from __future__ import annotations

import os
import re
import shlex

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from .options import Run, common_options
from .output import emit

VARIABLE = "_LUNDOCK_COMPLETE"
SHELLS = ("bash", "zsh", "fish")

#: bash takes ":" and "=" for ends of words: the whole line is handed over, and of what comes back the part that bash
#: has already is cut off. What ends with "=" or "/" is not complete yet.
BASH = """\
# bash completion for lundock; made by `lundock completion bash`.
%(complete_func)s() {
    local line="${COMP_LINE:0:COMP_POINT}" word reply kind
    COMPREPLY=()
    while IFS=$'\\t' read -r kind word; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$word")
                case $word in *= | */) compopt -o nospace ;; esac
                ;;
        esac
    done < <(LUNDOCK_LINE="$line" LUNDOCK_BREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1" 2>/dev/null)
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

#: What bash would take for something else than a letter, outside of quotes.
_SPECIAL = re.compile(r"([^\w@%+=:,./~^-])")


class Bash(BashComplete):
    """Completion for bash by the whole line."""

    source_template = BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is being written, and that one."""
        line = os.environ.get("LUNDOCK_LINE", "")
        words = split_arg_string(line)
        new = not words or (line[-1].isspace() and not words[-1][-1:].isspace() and not _quoting(line))
        begun = "" if new else words.pop()
        return words[1:], begun

    def format_completion(self, item: CompletionItem) -> str:
        """Return a line for the script: kind, tab, and what is to be put behind the last end of a word."""
        rest = self._rest(str(item.value))
        quoted = rest if _quoting(os.environ.get("LUNDOCK_LINE", "")) else _SPECIAL.sub(r"\\\1", rest)
        return f"{item.type}\t{quoted}"

    def _rest(self, value: str) -> str:
        """Cut off what bash keeps: up to the last break in what was written so far."""
        begun = self.get_completion_args()[1]
        breaks = [c for c in ":=" if c in os.environ.get("LUNDOCK_BREAKS", "")]
        cut = max((begun.rfind(c) for c in breaks), default=-1) + 1
        return value[cut:] if value.casefold().startswith(begun[:cut].casefold()) else value

    @staticmethod
    def _check_version() -> None:
        """Ours needs nothing newer than bash 4."""


def _quoting(line: str) -> bool:
    """Whether a quotation mark is open at the end of a line."""
    try:
        shlex.split(line)
    except ValueError as error:
        return "quotation" in str(error)
    return False


def register() -> None:
    """Have click use ours for bash."""
    add_completion_class(Bash, "bash")


def script(shell: str, program: str = "lundock") -> str:
    """Return what makes a shell complete."""
    register()
    chosen = get_completion_class(shell)
    assert chosen is not None  # noqa: S101 - SHELLS are those that click has
    return chosen(click.Group(program), {}, program, VARIABLE).source()


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), default="bash")
@common_options
def completion(shell: str) -> None:
    """Print what makes SHELL (bash unless given) complete commands, options, and the names of targets and disks.

    \b
    To have it in this shell, and in every new one:
      eval "$(lundock completion bash)"
      mkdir -p ~/.local/share/bash-completion/completions
      lundock completion bash > ~/.local/share/bash-completion/completions/lundock
    """
    made = script(shell)
    if click.get_current_context().ensure_object(Run).json:
        emit({"shell": shell, "script": made})
    else:
        click.echo(made, nl=False)
