# SPDX-License-Identifier: Apache-2.0
"""`lundock`: everything the window can do, on the command line. commands/shapes.py says what --json prints."""

from __future__ import annotations

from importlib import metadata

import click

from .commands import live, records
from .commands.common import Run, common_options


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(metadata.version("lundock"), prog_name="lundock")
@common_options
@click.pass_context
def main(ctx: click.Context) -> None:
    """Connect to iSCSI targets and use their disks.

    TARGET is a target's name, alias, number, or a part that only one has. DISK is "target/lun", a device, or a target
    that has one disk.
    """
    ctx.ensure_object(Run)


for _command in (
    records.discover,
    records.targets,
    records.add,
    records.show,
    records.set_,
    records.forget,
    live.login,
    live.logout,
    live.sessions,
    live.luns,
    live.attach,
    live.eject,
    live.rescan,
    live.stats,
    records.events,
    records.status,
):
    main.add_command(_command)


if __name__ == "__main__":
    main()
