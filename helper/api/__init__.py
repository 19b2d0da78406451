# SPDX-License-Identifier: Apache-2.0
"""The contract of the two halves: interfaces, errors, settings, names, control messages, and the bus."""
