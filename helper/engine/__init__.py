# SPDX-License-Identifier: Apache-2.0
"""The iSCSI engine: no D-Bus, no Qt, no root."""
