# SPDX-License-Identifier: Apache-2.0
"""What the window shows, as models: rates and rows without Qt, item models with it."""
