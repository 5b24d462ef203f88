"""Five steps of the main models on a CPU, against numbers written down.

They change when a formula, an initialisation, the order of random draws or of pictures changes.
Losses that drift for a good reason are written down anew in the same commit; the tolerance is for
processors that add in another order.
"""

import json

import pytest

from tests.conftest import Command, narrow

# model: loss/D/adversarial and loss/G/adversarial, means of steps 1 to 5
GOLDEN = {
    "vanilla": (1.280951, 0.885731),
    "dcgan": (1.354010, 0.683757),
    "cgan": (1.434883, 0.568164),
    "cgan_dcgan": (1.368986, 0.758615),
    "wgan_gp": (-0.001721, 0.000108),
    "stylegan2": (1.335483, 0.675270),
}


@pytest.mark.parametrize("model", list(GOLDEN))
def test_five_steps(gan_train: Command, model: str) -> None:
    result = gan_train(
        *(f"model={model}", *narrow(model), "data.batch_size=16", "trainer.device=cpu"),
        *("trainer.steps=5", "trainer.log_every=5", "trainer.sample_every=0"),
    )
    assert result.code == 0, result.err
    (line,) = (result.folder / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)[f"loss/{player}/adversarial"] for player in "DG"]
    assert losses == pytest.approx(GOLDEN[model], rel=1e-3, abs=1e-4)
