# SPDX-License-Identifier: Apache-2.0
"""Pictures of everything that a person sees, from a demo target at work: `./dev shots`."""
