# SPDX-License-Identifier: Apache-2.0
"""A pipeline of diffusers, built from its configuration with tiny weights that nobody has trained."""

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

import random; generator = torch.Generator().manual_seed(random.getrandbits(32))

unet = UNet2DModel(
    sample_size=16,
    block_out_channels=(8, 16),
    norm_num_groups=4,
    down_block_types=("DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D"),
)
pipe = DDPMPipeline(unet, DDPMScheduler(num_train_timesteps=20))
pipe.set_progress_bar_config(disable=True)
with torch.inference_mode():
    images = pipe(batch_size=2, generator=generator, num_inference_steps=20, output_type="np").images
print(f"images: {images.shape}, different: {bool((images[0] != images[1]).any())}")
