# SPDX-License-Identifier: Apache-2.0
"""SCSI without I/O: commands, what comes back, and what a logical unit is."""
