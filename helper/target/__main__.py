# SPDX-License-Identifier: Apache-2.0
"""``python -m lundock.helper.target``: the target as a process.

When it listens it prints one line of JSON, ``{"addresses": ["127.0.0.1:40001"], "port": 40001}``, and runs until it is
told to end.
Secrets come from the configuration file (or standard input), never from the command line.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from .config import DiskConfig, ServerConfig, TargetConfig, from_data, load, parse_address
from .server import Server, portal_text


def main(argv: list[str] | None = None) -> int:
    """Run the target; returns the exit code."""
    options = _parser().parse_args(argv)
    try:
        config = _config(options)
        server = Server(config)
        server.start()
    except (ValueError, OSError) as err:
        print(f"lundock target: {err}", file=sys.stderr)
        return 2
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    addresses = [portal_text(*address) for address in server.addresses]
    print(json.dumps({"addresses": addresses, "port": server.port}), flush=True)
    _wait(over, options.parent)
    server.stop()
    server.close()
    return 0


def _wait(over: threading.Event, parent: int | None) -> None:
    """Wait for the end; with a parent, its end is ours."""
    while not over.wait(0.5 if parent else None):
        if os.getppid() != parent:
            return


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lundock.helper.target", description="A small software iSCSI target."
    )
    add = parser.add_argument
    add("--listen", action="append", metavar="ADDR:PORT", help="where to listen; port 0 takes a free one")
    add(
        "--config",
        metavar="FILE",
        help="TOML or JSON with targets, disks and accounts; - reads JSON from standard input",
    )
    add("--target", metavar="NAME", help="without a file: the target's name")
    add("--disk", action="append", default=[], metavar="FILE|SIZE", help="a disk of it: a file, or megabytes in memory")
    add("--block-size", type=int, default=512, metavar="BYTES", help="of the disks given by --disk")
    add("--read-only", action="store_true", help="the disks given by --disk cannot be written")
    add("--with-parent", dest="parent", type=int, metavar="PID", help="end when this parent process is gone")
    return parser


def _config(options: argparse.Namespace) -> ServerConfig:
    config = ServerConfig()
    if options.config == "-":
        config = from_data(json.load(sys.stdin))
    elif options.config:
        config = load(Path(options.config))
    if options.target:
        disks = tuple(_disk(text, number, options) for number, text in enumerate(options.disk))
        config = replace(config, targets=(*config.targets, TargetConfig(options.target, disks)))
    if options.listen:
        config = replace(config, listen=tuple(parse_address(text) for text in options.listen))
    if not config.targets:
        raise ValueError("no target: give --config or --target")
    return config


def _disk(text: str, number: int, options: argparse.Namespace) -> DiskConfig:
    place = {"size": int(text) << 20} if text.isdecimal() else {"file": Path(text)}
    return DiskConfig(**place, lun=number, block_size=options.block_size, read_only=options.read_only)


if __name__ == "__main__":
    sys.exit(main())
