"""Published recipes: each composes, trains, and has a page whose numbers are its config's."""

import functools
import re
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from PIL import Image

from gan_cli.config.reader import leaves, read
from gan_cli.data.published import Facades, Horse2Zebra
from gan_cli.paths import conf_folder
from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import NARROW, REPOSITORY, Command, narrow, options

EXPERIMENTS = options("experiment")
FOLDER = conf_folder() / "experiment"
PAGES = REPOSITORY / "docs" / "recipes"
HEADINGS = ["Paper", "What it pins", "Command", "Published", "Measured"]
GROUPS = {"model", "loss", "data", "optimizer", "optimizer/schedule"}
DECISIVE = ("model", "loss", "data", "optimizer", "tricks", "ema")
"""Sections that decide what comes out."""
LEFT_TO_DATA = {
    # where the data lies and how it is read
    *("data.root", "data.download", "data.workers", "data.memory_limit", "data.on_corrupt"),
    # what there is, which a network that is told classes has to fit
    *("data.n_classes", "data.labels"),
}

# What stands in for a recipe's data: the same shape, nothing to download.
STAND_INS = {
    "mnist": ["data=digits", "data.image_size=28", "data.limit=64"],
    "digits": ["data.limit=64"],
    "cifar10": ["data=digits", "data.image_size=32", "data.channels=3", "data.limit=64"],
    "folder": ["data.root=images", "data.image_size=32"],
    "gaussians": ["data.limit=64"],
    "waves": ["data=tones", "data.sample_rate=22050", "data.length=2048", "data.limit=16"],
    "tones": ["data.length=2048", "data.limit=16"],
    "digit_outlines": ["data.limit=64"],
    "digit_inversion": ["data.limit=64"],
    "digit_low_resolution": ["data.limit=64"],
    "super_resolution": ["data.root=images", "data.image_size=32"],
    "facades": ["data.image_size=32"],
    "horse2zebra": ["data.image_size=32"],
}
OWN = ("folder", "super_resolution")
"""Data of a person's own."""
SMALL = {
    "cyclegan": ["model.generator_ab.width=8", "model.discriminator_a.width=8"],
    "cyclegan_small": ["model.generator_ab.width=8", "model.discriminator_a.width=8"],
    "infogan": NARROW,  # the recipe has keys that the model leaves to its defaults
}
"""What makes networks small where it is not what does so without a recipe."""


@functools.cache
def composed(name: str) -> tuple[DictConfig, dict[str, str]]:
    """An experiment's config as it ships, and which option of each group it takes."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        overrides = [f"experiment={name}", f"name={name}"]
        config = compose("train", overrides, return_hydra_config=True)
    chosen = dict(config.hydra.runtime.choices)
    return OmegaConf.masked_copy(config, [key for key in config if key != "hydra"]), chosen


def narrowed(model: str) -> list[str]:
    return SMALL.get(model) or narrow(model)


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def table(name: str) -> dict[str, object]:
    """What a page says is pinned: key -> value."""
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| .+ \|$", page(name), re.MULTILINE)
    return {key: OmegaConf.create(f"value: {value}").value for key, value in rows}


def few_images(folder: str) -> None:
    Path(folder).mkdir(parents=True)
    for number in range(4):
        Image.new("RGB", (80, 70), (60 * number, 0, 0)).save(f"{folder}/{number}.png")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_passes_the_check(name: str) -> None:
    config, chosen = composed(name)
    found = {"data": {"root": "images"}} if chosen["data"] in (*OWN, "waves") else {}
    read(OmegaConf.merge(config, found))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_takes_two_steps(gan_train: Command, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, chosen = composed(name)
    if chosen["data"] in OWN:
        few_images("images")
    elif cls := {"facades": Facades, "horse2zebra": Horse2Zebra}.get(chosen["data"]):
        monkeypatch.setattr(cls, "counts", dict.fromkeys(cls.counts, 4))
        for folder in cls.counts:
            few_images(f"data/{cls.archive.name}/{folder}")
    small = [*STAND_INS[chosen["data"]], *narrowed(chosen["model"]), "data.batch_size=4"]
    small += ["trainer.sample_every=0", "logger=[]"]  # as all do
    result = gan_train(f"experiment={name}", *small, "trainer.steps=2")
    assert result.code == 0, result.err

    # other data and narrower networks leave the rest of the recipe as it was
    trained = OmegaConf.create(load_newest(result.folder)[1]["config"])
    changed = {argument.partition("=")[0] for argument in small} | {"trainer.steps"}
    raw = dict(leaves(OmegaConf.to_container(composed(name)[0], resolve=False)))
    for key, value in table(name).items():
        if key not in GROUPS | changed and "${" not in str(raw[key]):
            assert OmegaConf.select(trained, key) == value, key


def unpinned(name: str, config: DictConfig) -> set[str]:
    """Keys that decide the result and are not said by the recipe, nor follow from what it says."""
    said = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    raw = OmegaConf.to_container(config, resolve=False)
    return (
        {
            key
            for key, value in leaves({section: raw[section] for section in DECISIVE})
            if not key.endswith("_target_") and not (isinstance(value, str) and "${" in value)
        }
        - {key for key, _ in leaves(said)}
        - LEFT_TO_DATA
    )


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_is_pinned_whole(name: str) -> None:
    """Another default in conf/model, conf/optimizer, ... changes no recipe."""
    config, chosen = composed(name)
    assert not unpinned(name, config)
    said = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["defaults"]
    groups = {key.removeprefix("override /") for default in said for key in default}
    assert groups >= GROUPS
    for group in GROUPS:  # what a model brings along, the recipe names as well
        assert {f"override /{group}": chosen[group]} in said


def test_what_is_not_pinned_is_found() -> None:
    """A default that a later version might give a model."""
    config = OmegaConf.merge(
        composed("wgan_gp_cifar10")[0],
        {"model": {"generator": {"depth": 3}}, "tricks": {"r1": {"weight": 0.1}}},
    )
    assert unpinned("wgan_gp_cifar10", config) == {"model.generator.depth", "tricks.r1.weight"}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_page_has_the_numbers_of_its_config(name: str) -> None:
    config, chosen = composed(name)
    assert table(name).keys() >= GROUPS
    for key, value in table(name).items():
        actual = chosen[key] if key in GROUPS else OmegaConf.select(config, key)
        assert actual == value, key


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_page_explains_all_it_pins(name: str) -> None:
    pinned = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    defaults = pinned.pop("defaults")
    keys = {key for key, _ in leaves(pinned) if not key.endswith("_target_")}
    groups = {key.removeprefix("override /") for default in defaults for key in default}
    assert keys | groups <= table(name).keys() | {"tricks"}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_page_is_like_the_others(name: str) -> None:
    assert re.findall(r"^## (.+)$", page(name), re.MULTILINE) == HEADINGS
    assert re.search(rf"^gan-train experiment={name}\b", page(name), re.MULTILINE)
    header = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert f"docs/recipes/{name}.md" in header
    assert f"gan-train experiment={name}" in header


def test_every_page_is_of_an_experiment_and_in_the_overview() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(["README", *EXPERIMENTS])
    listed = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md\)", page("README"), re.MULTILINE)
    assert sorted(listed) == [(name, name) for name in EXPERIMENTS]


@pytest.mark.parametrize(
    ("name", "tricks"),
    [
        ("dcgan_cifar10", set()),
        ("wgan_gp_cifar10", {"gradient_penalty"}),
        ("unrolled_ring", set()),
        ("cyclegan_digits", {"image_pool"}),
    ],
)
def test_tricks_are_those_of_its_model_and_its_own(name: str, tricks: set[str]) -> None:
    assert composed(name)[0].tricks.keys() == tricks


def test_an_unrolled_recipe_plays_that_game() -> None:
    assert composed("unrolled_ring")[0].model._target_ == "gan_cli.games.unrolled.Unrolled"
