# SPDX-License-Identifier: Apache-2.0
"""How fast we are beside others: `./dev bench`.

rows.py      what is measured, against whom, and what is to be reached: data
loads.py     how one side of a row is measured once; targets.py, servers.py: what runs for it
small.py     rows without a peer: memory, times
machine.py   whether the machine was quiet; verdict.py: what may be concluded; report.py: table and JSON
sweep.py     how cost grows with depth, size and number of sessions; document.py, plot.py: docs/performance.md
"""
