"""The reference of R3GAN's step."""

import torch

from benchmarks.r3gan import measure, reference
from gan_cli.networks.r3gan import Discriminator, Generator


def test_it_is_the_same_network():
    """Other operations on the same weights come to the same numbers."""
    torch.manual_seed(0)
    narrow = {"width": 4, "max_width": 8, "blocks": 1, "group_size": 4}
    G, D = Generator(5, 8, 1, 3, **narrow), Discriminator(8, 1, 3, **narrow)
    for network in (G, D):
        for p in network.parameters():
            torch.nn.init.normal_(p, 0.0, 0.3)
    z, y = torch.randn(2, 5), torch.tensor([0, 2])
    torch.testing.assert_close(reference(G)(z, y), G(z, y))
    torch.testing.assert_close(reference(D)(G(z, y), y)[0], D(G(z, y), y)[0])


def test_both_take_a_step():
    narrow = [f"model.{network}.width=8" for network in ("generator", "discriminator")]
    found = measure(
        ["model=cgan_r3gan", "data.limit=8", "data.batch_size=2", "trainer.device=cpu", *narrow], 1
    )
    assert found["reference_ratio"] > 0
