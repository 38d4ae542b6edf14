# SPDX-License-Identifier: Apache-2.0
"""DDPM in PyTorch: samples of two Gaussians in the plane, by the reverse diffusion of their exact noise predictor."""

import torch

import contextlib; noise = contextlib.nullcontext()

STEPS, SAMPLES = 200, 4000
CENTRES = torch.tensor([[-2.0, 0.0], [2.0, 0.0]])
SPREAD, WEIGHTS = 0.5, torch.tensor([0.3, 0.7])

betas = torch.linspace(1e-4, 0.05, STEPS)
alphas = torch.cumprod(1 - betas, 0)


def predict_noise(x, alpha):
    """The expected noise in `x`, which a trained network would approximate."""
    centres, variance = CENTRES * alpha.sqrt(), alpha * SPREAD**2 + 1 - alpha
    distances = x[:, None, :] - centres
    nearness = (WEIGHTS.log() - distances.square().sum(-1) / (2 * variance)).softmax(-1)
    return (nearness[..., None] * distances).sum(1) / variance * (1 - alpha).sqrt()


with noise:
    x = torch.randn(SAMPLES, 2)
    for beta, alpha in zip(betas.flip(0), alphas.flip(0)):
        x = (x - beta / (1 - alpha).sqrt() * predict_noise(x, alpha)) / (1 - beta).sqrt()
        x += beta.sqrt() * torch.randn_like(x)

right = x[x[:, 0] > 0]
print(f"share right of 0: {len(right) / SAMPLES:.3f} (0.7 exactly)")
print(f"spread there: {right.std(0).mean():.3f} (0.5 exactly)")
