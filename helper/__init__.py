# SPDX-License-Identifier: Apache-2.0
"""Helper: the root service, and the engine that it runs without root."""
