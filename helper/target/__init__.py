# SPDX-License-Identifier: Apache-2.0
"""A small software iSCSI target, written from the RFC: for the demo, and for tests (it misbehaves on request)."""
