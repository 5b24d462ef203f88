"""Every two tricks go together, or are refused with a reason."""

from itertools import combinations

import pytest
import torch
from hydra import compose, initialize_config_dir

from gan_cli.assembly.build import build_batches, build_parts, build_trainer
from gan_cli.config.schema import check
from gan_cli.errors import UserError
from gan_cli.paths import conf_folder
from tests.conftest import NARROW, options

CPU = torch.device("cpu")
# A labelled G, for the auxiliary classifier, and a D that any penalty can look at.
SETTING = [
    *("model=cgan_dcgan", "model.discriminator.normalization=layer", *NARROW, "name=pair"),
    *("data.batch_size=8", "data.limit=16", "data.image_size=8"),
]
FITTING = {
    "minibatch_stddev": ["tricks.minibatch_stddev.group_size=4"],
    "minibatch_discrimination": ["tricks.minibatch_discrimination.kernels=4"],
    "experience_replay": ["tricks.experience_replay.size=16"],
    "unrolled": ["tricks.unrolled.steps=1"],
}


@pytest.mark.parametrize("first", options("tricks")[:-1])
def test_with_each_that_follows(first: str) -> None:
    pairs = [pair for pair in combinations(options("tricks"), 2) if pair[0] == first]
    refused = []
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        for one, other in pairs:
            more = [*FITTING.get(one, []), *FITTING.get(other, [])]
            config = compose("train", [f"tricks=[{one},{other}]", *SETTING, *more])
            checked = check(config)
            try:
                parts = build_parts(checked)
            except UserError as refusal:
                refused.append((one, other, refusal.problems))
                continue
            parts.dataset.prepare()
            trainer = build_trainer(checked, parts, build_batches(checked, parts.dataset, CPU), CPU)
            trainer.play()
            trainer.play()
            for network in parts.networks.values():
                assert all(p.isfinite().all() for p in network.parameters()), (one, other)
    for one, other, problems in refused:
        assert all(
            problem.startswith((f"tricks.{one}:", f"tricks.{other}:")) for problem in problems
        )
