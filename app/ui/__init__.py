# SPDX-License-Identifier: Apache-2.0
"""The window: widgets only. Facts are in the models, work is done by the client."""
