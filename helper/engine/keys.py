# SPDX-License-Identifier: Apache-2.0
"""The text keys of login (RFC 7143, chapters 12 and 13), and what was agreed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameters:
    """What holds for a connection after login; the defaults are those of chapter 13.

    `max_send` is the target's MaxRecvDataSegmentLength, `max_recv` ours (13.12: declared, for each direction).
    """

    header_digest: bool = False
    data_digest: bool = False
    max_connections: int = 1
    initial_r2t: bool = True
    immediate_data: bool = True
    max_send: int = 8192
    max_recv: int = 8192
    max_burst_length: int = 262144
    first_burst_length: int = 65536
    default_time2wait: int = 2
    default_time2retain: int = 20
    max_outstanding_r2t: int = 1
    data_pdu_in_order: bool = True
    data_sequence_in_order: bool = True
    error_recovery_level: int = 0
    task_reporting: str = "RFC3720"
