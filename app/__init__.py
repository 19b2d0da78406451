# SPDX-License-Identifier: Apache-2.0
"""The person's side: window, command line, keyring. Knows the bus and nothing else of the helper."""
