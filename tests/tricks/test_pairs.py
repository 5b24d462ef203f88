"""Every two tricks go together and train, but for those in a table, which are refused."""

import copy
from functools import cache
from itertools import combinations

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf, open_dict

from gan_cli.assembly.game import assemble_game
from gan_cli.config.reader import read
from gan_cli.errors import UserError
from gan_cli.paths import conf_folder
from tests.conftest import options
from tests.games.composed import watched

MIXED = "it takes the gradient at each image's own logits"
SAME = "does the same already"
AHEAD = "an unrolled G"
REFUSED = {
    ("dragan", "minibatch_discrimination"): (["dragan"], MIXED),
    ("gradient_penalty", "minibatch_discrimination"): (["gradient_penalty"], MIXED),
    ("lazy_r1", "minibatch_discrimination"): (["lazy_r1"], MIXED),
    ("lazy_r1", "r1"): (["r1"], SAME),
    ("lazy_r1", "r1_r2"): (["r1"], SAME),
    ("minibatch_discrimination", "r1"): (["r1"], MIXED),
    ("minibatch_discrimination", "r2"): (["r2"], MIXED),
    ("minibatch_discrimination", "r1_r2"): (["r1", "r2"], MIXED),
    ("one_sided_smoothing", "random_smoothing"): (["random_smoothing"], SAME),
    ("one_sided_smoothing", "two_sided_smoothing"): (["two_sided_smoothing"], SAME),
    ("random_smoothing", "two_sided_smoothing"): (["two_sided_smoothing"], SAME),
    ("auxiliary_classifier", "unrolled"): (["auxiliary_classifier"], AHEAD),
    ("experience_replay", "unrolled"): (["experience_replay"], AHEAD),
    ("experience_replay", "image_pool"): (["image_pool"], SAME),
    ("image_pool", "unrolled"): (["image_pool"], AHEAD),
}
"""Pairs in the order of the alphabet: which keys are refused, and a part of the reason."""

# a labelled G, for the auxiliary classifier, and a D that any penalty can look at
SETTING = [
    *("model=cgan_dcgan", "model.discriminator.normalization=layer", "name=pair"),
    *("model.generator.width=8", "model.discriminator.width=8"),
    *("data.batch_size=8", "data.image_size=8"),
]
SMALL = {
    "minibatch_discrimination": {"tricks": {"minibatch_discrimination": {"kernels": 4}}},
    "experience_replay": {"tricks": {"experience_replay": {"size": 16}}},
    "unrolled": {"model": {"unrolled_steps": 1}},
}
"""What makes some of them quick."""


@cache
def without_tricks() -> DictConfig:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose("train", SETTING)


@cache
def content(name: str) -> DictConfig:
    """What a YAML of the group puts where in a config."""
    path = conf_folder() / "tricks" / f"{name}.yaml"
    found = OmegaConf.load(path)
    if not path.read_text().startswith("# @package _global_"):
        found = OmegaConf.create({"tricks": found})
    return OmegaConf.merge(found, SMALL.get(name, {}))


def with_tricks(*names: str) -> DictConfig:
    """What `tricks=[...]` composes to, in a fraction of the time."""
    config = copy.deepcopy(without_tricks())
    with open_dict(config):
        config.merge_with(*map(content, names))
    return config


@pytest.mark.parametrize("names", [("r1", "unrolled"), ("r1", "r1_r2")], ids="-".join)
def test_pairs_are_what_hydra_composes(names: tuple[str, ...]) -> None:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        more = ["model.unrolled_steps=1"] if "unrolled" in names else []
        wanted = compose("train", [*SETTING, f"tricks=[{','.join(names)}]", *more])
    assert with_tricks(*names) == wanted


def test_the_table_names_what_there_is() -> None:
    pairs = set(combinations(options("tricks"), 2))
    assert REFUSED.keys() <= pairs


OWN_MODEL = {"path_length"}
"""Tricks for networks that this model does not have; it refuses them, alone or with others."""


@pytest.mark.parametrize("name", sorted(OWN_MODEL))
def test_what_is_for_other_networks_is_refused(name: str) -> None:
    settings = read(with_tricks(name, "instance_noise"))
    with pytest.raises(UserError, match=f"tricks.{name}: it is about a StyleGenerator"):
        assemble_game(settings, settings.data.dataset.build().fields)


@pytest.mark.parametrize("first", options("tricks")[:-1])
def test_with_each_that_follows(first: str) -> None:
    for pair in combinations(options("tricks"), 2):
        if pair[0] != first or OWN_MODEL & {*pair}:
            continue
        settings = read(with_tricks(*pair))
        fields = settings.data.dataset.build().fields
        if pair in REFUSED:
            keys, why = REFUSED[pair]
            with pytest.raises(UserError) as refusal:
                assemble_game(settings, fields)
            problems = refusal.value.problems
            assert [p.partition(": ")[0] for p in problems] == [f"tricks.{k}" for k in keys], pair
            assert all(why in problem for problem in problems), pair
            continue
        trainer = watched(settings, assemble_game(settings, fields))
        trainer.play()
        trainer.play()
        assert all(trainer.changed[player] for player in ("discriminator", "generator")), pair
        assert all(p.isfinite().all() for p in trainer.game.parameters()), pair
