"""What a person brings along: the example project runs, and a wrong part costs one line."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from PIL import Image

from gan_cli.paths import conf_folder
from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import REPOSITORY, Command
from tests.data.image_files import write_image
from tests.runs.resuming import assert_equal, cut_off

OWN = REPOSITORY / "examples" / "own"
TEXT = (OWN / "README.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = [shlex.split(line) for line in BLOCKS.splitlines() if line]
SMALL = ["data.batch_size=4", "trainer.steps=2"]
SHAPES = ["--config-dir", "conf", "data=shapes", "data.count=40", *SMALL]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory is a copy of the project, and what it holds can be imported."""
    folder = tmp_path / "own"
    shutil.copytree(OWN, folder, ignore=shutil.ignore_patterns("__pycache__", "outputs"))
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    forget("mygan", "mypkg")


def forget(*packages: str) -> None:
    """Let packages be imported anew."""
    for name in [n for n in sys.modules if n.partition(".")[0] in packages]:
        del sys.modules[name]


def test_the_commands_of_its_readme(
    gan_train: Command, gan_sample: Command, gan_evaluate: Command, project: Path
) -> None:
    write_image(Path("pictures/one.png"), size=(20, 30), mode="L")
    programs = {"gan-train": gan_train, "gan-sample": gan_sample, "gan-evaluate": gan_evaluate}
    assert {words[0] for words in COMMANDS} == programs.keys()
    for program, *arguments in COMMANDS:
        if program == "gan-train":
            resumed = any(a.startswith("resume=") for a in arguments)
            arguments += ["trainer.steps=3"] if resumed else [*SMALL, "data.count=40"]
            if "model=cgan_dcgan" in arguments:
                arguments += ["model.generator.width=8", "model.discriminator.width=8"]
            if not resumed and not any(a.startswith("hydra.run.dir") for a in arguments):
                arguments += [f"hydra.run.dir={project}/{len(arguments)}"]
        result = programs[program](*arguments)
        assert result.code == 0, (arguments, result.err)
    for name in ("discs.png", "filled.png", "outputs/runs/inpainting/evaluation.json"):
        assert Path(name).is_file(), name


@pytest.mark.parametrize(
    "model",
    [
        ["model=inpainting"],
        ["model=upsampling", "loss=pearson", "tricks=[logit_drift,fading_blur]"],
    ],
    ids=lambda words: words[0],
)
def test_it_resumes_where_it_is_trusted(
    gan_train: Command, tmp_path: Path, model: list[str]
) -> None:
    six = ["trainer.steps=6", "trainer.checkpoint_every=3", "trainer.keep_last=9"]
    whole = gan_train(*SHAPES, *model, *six)
    assert whole.code == 0, whole.err
    part = cut_off(whole.folder, 3, tmp_path / "part")
    refused = gan_train(f"resume={part}")
    assert refused.code == 2
    assert all("if you trust mygan, add 'trust=[mygan]'" in line for line in refused.problems)
    trusted = gan_train(f"resume={part}", "trust=[mygan]")
    assert trusted.code == 0, trusted.err
    assert_equal(load_newest(whole.folder)[1]["state"], load_newest(part)[1]["state"])


def test_trust_is_needed_for_what_samples_only(
    gan_train: Command, gan_sample: Command, gan_evaluate: Command
) -> None:
    own = gan_train(*SHAPES, "model=upsampling").folder
    refused = gan_sample(f"checkpoint={own}")
    assert refused.code == 2
    assert "model.generator._target_: mygan.networks.Generator is refused" in refused.err
    assert "trust=[mygan]" in refused.err
    assert gan_sample(f"checkpoint={own}", "trust=[mygan]", "count=4").code == 0

    plain = gan_train(*SHAPES, "model=vanilla", "model.generator.hidden=[8]", folder="plain").folder
    forget("mygan")
    shutil.rmtree("mygan")  # it is not even looked for
    assert gan_sample(f"checkpoint={plain}", "count=4").code == 0
    measured = gan_evaluate(f"checkpoint={plain}", "count=20")
    assert measured.code == 2
    assert "data._target_: mygan.data.Shapes is refused" in measured.err


def test_an_optimizer_of_ones_own_needs_no_trust_to_sample(
    gan_train: Command, gan_sample: Command
) -> None:
    Path("mypkg.py").write_text(
        "import torch\nfrom gan_cli.engine.schedules import Constant\n"
        "class Mine(torch.optim.Adam):\n    pass\nclass Flat(Constant):\n    pass\n"
    )
    run = gan_train(
        *(*SMALL, "model=vanilla", "model.generator.hidden=[8]", "optimizer._target_=mypkg.Mine"),
        *("optimizer.schedule._target_=mypkg.Flat", "++optimizer.generator._target_=mypkg.Mine"),
    )
    assert run.code == 0, run.err
    assert gan_sample(f"checkpoint={run.folder}", "count=4").code == 0
    refused = gan_train(f"resume={run.folder}", "trainer.steps=3")
    assert refused.code == 2
    assert "trust=[mypkg]" in refused.err


def test_a_process_finds_what_lies_in_the_working_directory(tmp_path: Path) -> None:
    script = tmp_path / "elsewhere" / "gan-train"
    script.parent.mkdir()
    script.write_text("from gan_cli.cli.train import main\nmain()\n")
    done = subprocess.run(
        [sys.executable, str(script), *SHAPES, "model=upsampling", "hydra.run.dir=run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path("run/summary.json").is_file()


LOSS = """
from gan_cli.games.losses import Hinge, Loss

class Vector(Hinge):
    def generator(self, fake, real):
        return -fake

class Number(Hinge):
    def discriminator(self, real, fake, targets):
        return 1.0

class Half(Loss):
    def discriminator(self, real, fake, targets):
        return fake.mean() - real.mean()

class Free(Hinge):
    def __init__(self, weight=1.0, *more, **others):
        self.weight = weight
        assert not more and not others

class Broken(Hinge):
    def generator(self, fake, real):
        return fake.no_such_thing

class Picky(Hinge):
    def __init__(self, weight: float = 1.0):
        raise ValueError(f"weight={weight}: too heavy")

class Unknown(Hinge):
    def __init__(self, weight: "Wait" = 1.0):
        pass

function = Hinge().generator
"""
NETWORKS = """
import torch
from torch import nn
from gan_cli.networks import roles

class Tall(roles.Generator):
    def __init__(self, latent_dim: int):
        super().__init__()
        self.latent_dim, self.n_classes = latent_dim, 0
        self.layer = nn.Linear(latent_dim, 512)
    def forward(self, z, y=None):
        return self.layer(z).view(len(z), 1, 32, 16)

class Silent(roles.Generator):
    pass

class Game(nn.Module):
    pass
"""


def plain_unless(arguments: list[str]) -> list[str]:
    chosen = any(a.startswith("model=") and "{" not in a for a in arguments)
    return [] if chosen else ["model=vanilla", "model.generator.hidden=[8]"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["loss._target_=mypkg.losses.Vector"],
            "loss: adversarial of the generator is of shape 4 and should be a scalar",
        ),
        (
            ["loss._target_=mypkg.losses.Number"],
            "loss: adversarial of the discriminator is 1.0 and should be a scalar",
        ),
        (
            ["loss._target_=mypkg.losses.Half"],
            "loss._target_: mypkg.losses.Half does not say what generator does",
        ),
        (["loss._target_=mypkg.losses.Broken"], "has no attribute 'no_such_thing'; see "),
        (["loss._target_=mypkg.losses.Picky"], "loss: weight=1.0: too heavy"),
        (["loss._target_=mypkg.losses.Unknown"], "name 'Wait' is not defined"),
        (["loss._target_=mypkg.losses.Nothing"], "has no attribute 'Nothing'"),
        (["loss._target_=mypkg.losses.function"], "mypkg.losses.function is not a class"),
        (["loss._target_=mypkg.losses.Free", "+loss.wight=2"], "did you mean weight?"),
        (["loss._target_=mypkg.networks.Tall"], "mypkg.networks.Tall is not a Loss"),
        (["loss._target_=mypkg.crooked.Loss"], "SyntaxError"),
        (["loss._target_=mypkg.missing.Loss"], "No module named 'mypkg.missing'"),
        (["loss._target_=elsewhere.Loss"], "No module named 'elsewhere'"),
        (
            ["model=tall", "--config-dir", "conf"],
            "model: it makes 1x32x16 and the data's `image` is image 1x16x16",
        ),
        (
            ["model=deaf", "--config-dir", "conf"],
            "model.generator.image_size: no such key; there is latent_dim",
        ),
        (
            ["model.generator={_target_: mypkg.networks.Silent}"],
            "model.generator._target_: mypkg.networks.Silent does not say what forward does",
        ),
        (
            ["model={_target_: mypkg.networks.Game}"],
            "model._target_: mypkg.networks.Game is not a Game",
        ),
        (
            ["+tricks.mine={_target_: mypkg.losses.Vector}"],
            "tricks.mine._target_: mypkg.losses.Vector is not a Trick",
        ),
        (
            ["data={_target_: mypkg.losses.Vector}"],
            "data._target_: mypkg.losses.Vector is not a Dataset",
        ),
    ],
    ids=lambda value: value[0].replace("/", "") if isinstance(value, list) else "",
)
def test_a_wrong_part_costs_one_line(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    """Before any data is read."""
    package = Path("mypkg")
    package.mkdir()
    (package / "losses.py").write_text(LOSS)
    (package / "networks.py").write_text(NETWORKS)
    (package / "crooked.py").write_text("class Loss(:\n")
    shipped = OmegaConf.load(conf_folder() / "model" / "vanilla.yaml")
    for name in ("tall", "deaf"):
        generator = {"_target_": "mypkg.networks.Tall", "latent_dim": 100}
        more = {"image_size": "${data.image_size}"} if name == "deaf" else {}
        shipped.generator = generator | more
        OmegaConf.save(shipped, f"conf/model/{name}.yaml")

    def unread(dataset: object) -> None:
        raise AssertionError("the data was read")

    monkeypatch.setattr("gan_cli.data.digits.Digits.load", unread)
    result = gan_train(*plain_unless(arguments), *SMALL, *arguments)
    assert result.code == 2, (result.out, result.err)
    assert len(result.problems) == 1, result.err
    assert said in result.err
    assert not Path("outputs").exists()


def test_the_folder_that_was_searched_is_said(gan_train: Command, project: Path) -> None:
    result = gan_train("loss._target_=elsewhere.Loss")
    assert f"and in {project}; start where it lies, or install it" in result.err


def test_arguments_without_types_are_passed_on_as_they_are(
    gan_train: Command, gan_sample: Command
) -> None:
    """A component among them can be gone on with, too, where its package is trusted."""
    Path("mypkg.py").write_text(
        f"{LOSS}\nclass Around(Free):\n    def __init__(self, inner=None):\n"
        "        super().__init__()\n        self.inner = inner\n"
        "    def generator(self, fake, real):\n        return self.inner.generator(fake, real)\n"
    )
    run = gan_train(
        *("model=vanilla", "model.generator.hidden=[8]", *SMALL, "loss._target_=mypkg.Around"),
        "+loss.inner={_target_: mypkg.Free, weight: much}",
    )
    assert run.code == 0, run.err
    again = gan_train(f"resume={run.folder}", "trainer.steps=3", "trust=[mypkg]")
    assert again.code == 0, again.err
    assert gan_sample(f"checkpoint={run.folder}", "trust=[mypkg]", "count=4").code == 0


def test_a_bare_on_in_yaml(gan_train: Command) -> None:
    """YAML 1.1 reads it as true, and it means what it says all the same."""
    file = Path("conf/tricks/logit_drift.yaml")
    file.write_text(file.read_text().replace('"on": null', "on: [nobody]"))
    result = gan_train(*SHAPES, "tricks=[logit_drift]")
    assert result.code == 2
    assert "tricks.logit_drift.on: no adversary nobody" in result.err
    given = gan_train(*SHAPES, "tricks=[logit_drift]", "tricks.logit_drift.on=[discriminator]")
    assert given.code == 0, given.err


def test_images_of_the_example_are_what_they_say() -> None:
    from mygan.data import Shapes  # the copy of this test

    images, labels = Shapes(count=60).load().values()
    assert images.shape == (60, 1, 16, 16)
    filled = [(images[labels == k] > 127).float().mean().item() for k in range(3)]
    assert filled[2] < filled[0] < filled[1]  # of one radius: 2 r^2, pi r^2, 4 r^2
    assert Image.fromarray(images[0, 0].numpy()).size == (16, 16)
