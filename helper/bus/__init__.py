# SPDX-License-Identifier: Apache-2.0
"""The service on the bus: objects that convert and delegate, and who may call them."""
