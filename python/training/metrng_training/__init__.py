# SPDX-License-Identifier: Apache-2.0
"""Training of the denoising networks of metrng; docs/models.md describes it. No part of the package `metrng`."""
