"""Five steps of the main models on a CPU, against numbers written down.

They change when a formula, an initialisation, the order of random draws or of pictures changes.
Losses that drift for a good reason are written down anew in the same commit; the tolerance is for
processors that add in another order.
"""

import json

import pytest

from tests.conftest import Command, data_of, narrow

# model and trick: loss/D/adversarial and loss/G/adversarial, means of steps 1 to 5; HiFi-GAN's
# are in games/test_hifigan.py
GOLDEN = {
    "vanilla": (1.292531, 0.901858),
    "dcgan": (1.353955, 0.681433),
    "cgan": (1.435118, 0.574053),
    "cgan_dcgan": (1.368855, 0.760926),
    "wgan_gp": (-0.001721, 0.000108),
    "esrgan": (0.581265, 0.004145),
    "vqgan": (1.011396, -0.202347),
    "cgan_r3gan": (0.699779, 0.698720),
    "sagan": (8.333600, 4.075905),
    "biggan": (16.796521, 13.183430),
    "stylegan2": (1.335483, 0.675270),
    "bigan": (1.385788, 0.705100),
    "ali": (1.386294, 0.693151),
    "ebgan": (16.120058, 9.393855),
    "began": (0.720427, 0.227498),
    "vaegan": (1.412625, 1.530157),
    "acgan": (1.386975, 0.640491),
    "progan": (0.553612, 0.412432),
    "lapgan": (1.386547, 0.703060),
    "pix2pix": (0.695068, 0.674047),
    "cyclegan": (0.237274, 0.483798),
    "infogan": (1.434997, 0.606541),
    "r3gan": (0.589601, 0.891379),
    "sngan": (1.989851, -0.003295),
    "srgan": (1.357847, 0.003407),
    "dcgan_r1 diffusion": (1.376880, 0.692878),
}
MORE = {
    "progan": ["model.steady_images=32", "model.fade_images=64"],  # a fade in its middle
}
LOSSES = {  # under `loss/`, where they are others
    "lapgan": ("discriminator_2/adversarial", "generator_2/adversarial"),
    "cyclegan": ("D/adversarial_a", "G/adversarial_ab"),
}


@pytest.mark.parametrize("name", list(GOLDEN))
def test_five_steps(gan_train: Command, name: str) -> None:
    model, _, trick = name.partition(" ")
    small = [*narrow(model), *MORE.get(model, []), *([f"tricks=[{trick}]"] if trick else [])]
    result = gan_train(
        *(f"model={model}", *data_of(model), *small, "data.batch_size=16", "trainer.device=cpu"),
        *("trainer.steps=5", "trainer.log_every=5", "trainer.sample_every=0"),
    )
    assert result.code == 0, result.err
    (line,) = (result.folder / "metrics.jsonl").read_text().splitlines()
    of = LOSSES.get(model, ("D/adversarial", "G/adversarial"))
    losses = [json.loads(line)[f"loss/{loss}"] for loss in of]
    assert losses == pytest.approx(GOLDEN[name], rel=1e-3, abs=1e-4)
