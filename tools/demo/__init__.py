# SPDX-License-Identifier: Apache-2.0
"""The main job from end to end, on this computer alone: find a target, sign in, use its disk, eject it."""
