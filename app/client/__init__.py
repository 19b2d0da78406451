# SPDX-License-Identifier: Apache-2.0
"""The bus, seen from the app: connection, mirror of the object tree, operations.

objects      frozen views of the objects on the bus
mirror       the object tree as it stands, kept by signals; makes snapshots
client       one connection: calls, jobs, signals (asyncio)
operations   what a person can ask for, each one a coroutine
thread       a client in a thread of its own, for the window
"""
