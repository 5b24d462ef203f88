"""Five steps of the main models on a CPU, against numbers written down.

They change when a formula, an initialisation, the order of random draws or of pictures changes.
Losses that drift for a good reason are written down anew in the same commit; the tolerance is for
processors that add in another order.
"""

import json

import pytest

from tests.conftest import Command, data_of, narrow

# model: loss/D/adversarial and loss/G/adversarial, means of steps 1 to 5
GOLDEN = {
    "vanilla": (1.280951, 0.885731),
    "dcgan": (1.354010, 0.683757),
    "cgan": (1.434883, 0.568164),
    "cgan_dcgan": (1.368986, 0.758615),
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
    "acgan": (1.409259, 0.605956),
    "progan": (0.553612, 0.412432),
    "lapgan": (1.380148, 0.698477),
}
MORE = {
    "progan": ["model.steady_images=32", "model.fade_images=64"],  # a fade in its middle
}
PLAYERS = {"lapgan": ("discriminator_2", "generator_2")}


@pytest.mark.parametrize("model", list(GOLDEN))
def test_five_steps(gan_train: Command, model: str) -> None:
    small = [*narrow(model), *MORE.get(model, [])]
    result = gan_train(
        *(
            f"model={model}",
            *data_of(model),
            *narrow(model),
            "data.batch_size=16",
            "trainer.device=cpu",
        ),
        *(f"model={model}", *small, "data.batch_size=16", "trainer.device=cpu"),
        *("trainer.steps=5", "trainer.log_every=5", "trainer.sample_every=0"),
    )
    assert result.code == 0, result.err
    (line,) = (result.folder / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)[f"loss/{player}/adversarial"] for player in PLAYERS.get(model, "DG")]
    assert losses == pytest.approx(GOLDEN[model], rel=1e-3, abs=1e-4)
