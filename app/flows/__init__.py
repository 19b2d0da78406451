# SPDX-License-Identifier: Apache-2.0
"""Steps that a person goes through, as data and plain functions: no Qt, no bus."""
