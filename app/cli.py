# SPDX-License-Identifier: Apache-2.0
"""`lundock`: everything the window can do, on the command line. commands/shapes.py says what --json prints.

A command's module is imported when the command is used: the table here has what `lundock --help` needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from ..helper.api.usage import Program
from .commands.options import Run, common_options


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: the module of app/commands where it is (under its own name, or `name`), and what it does."""

    module: str
    help: str
    name: str = ""


#: Every command by section, in the order of `lundock --help`, the documentation and the manual.
SECTIONS: Mapping[str, Mapping[str, Entry]] = {
    "Find and save": {
        "connect": Entry("wizard", "Ask an address, connect to what it offers, attach its disks"),
        "discover": Entry("records", "Ask an address for the targets it offers"),
        "targets": Entry("records", "List the saved targets"),
        "add": Entry("records", "Save a target"),
        "show": Entry("records", "Show everything about a target"),
        "set": Entry("records", "Change a saved target", "set_"),
        "forget": Entry("records", "Forget a saved target"),
        "portal": Entry("portals", "Keep addresses, and what they offer up to date"),
    },
    "Connect": {
        "login": Entry("connecting", "Connect to a target"),
        "logout": Entry("connecting", "Eject a target's disks and disconnect"),
        "sessions": Entry("connecting", "List what is connected"),
        "rescan": Entry("connecting", "Ask a target for its disks again"),
        "probe": Entry("connecting", "Ask a target which sign-in it wants"),
        "diagnose": Entry("diagnosis", "Find out why an address or a target does not work"),
        "agent": Entry("connecting", "Answer the service's questions for secrets, in the place of the window"),
    },
    "Use disks": {
        "luns": Entry("disks", "List the disks"),
        "attach": Entry("disks", "Make a disk a device"),
        "mount": Entry("disks", "Mount a disk"),
        "unmount": Entry("disks", "Unmount a disk"),
        "format": Entry("disks", "Make a file system on an empty disk", "format_"),
        "eject": Entry("disks", "Take a disk's device away: it is safe to unplug then"),
        "nbd": Entry("sockets", "Serve a disk on a socket, for programs that speak NBD"),
    },
    "Watch": {
        "watch": Entry("watching", "Live figures, with their last minute"),
        "stats": Entry("figures", "Show what is read and written, and how fast"),
        "events": Entry("service", "Show what happened: connected, lost, restored, ejected"),
        "jobs": Entry("service", "List what is being done"),
        "cancel": Entry("service", "Stop what is being done"),
    },
    "This computer": {
        "status": Entry("service", "Show the service, this computer's iSCSI name, and what it can do"),
        "name": Entry("service", "Show or change this computer's iSCSI name"),
        "completion": Entry("completing", "Print what makes a shell complete these commands"),
    },
}
_ENTRIES = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class Lundock(Program):
    """The commands of the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return all names in the table's order."""
        return list(_ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        entry = _ENTRIES.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f".commands.{entry.module}", __package__)
        command: click.Command = getattr(module, entry.name or cmd_name)
        command.short_help = entry.help
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table."""
        widest = max(len(name) for name in _ENTRIES)
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), entry.help) for name, entry in section.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run; a shell that wants words for completion is answered by our own classes."""
        import os

        if "_LUNDOCK_COMPLETE" in os.environ:
            from .commands import completing

            completing.register()
        return super().main(*args, **extra)


@click.group(cls=Lundock, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lundock", prog_name="lundock")
@common_options
@click.pass_context
def main(ctx: click.Context) -> None:
    """Connect to iSCSI targets and use their disks.

    TARGET is a target's name, alias, number, or a part that only one has. DISK is "target/lun", a device, or a target
    that has one disk. Secrets are asked for, or read from a file or a descriptor: never given as an argument.

    \b
    For example:
      lundock connect nas.local       everything at once: find, sign in, attach
      lundock luns                    the disks, and what uses them
      lundock mount Backup            (where UDisks2 runs)
      lundock eject Backup            then it is safe to unplug
      lundock --json targets          the same for programs
    """
    ctx.ensure_object(Run)


if __name__ == "__main__":
    main(prog_name="lundock")
