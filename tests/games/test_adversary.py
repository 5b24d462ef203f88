"""One discriminator's side: what it is shown and told, and what it says of itself."""

import pytest
import torch
from torch import Tensor, nn

from gan_cli.games.adversary import Adversary
from gan_cli.games.losses import Hinge, LeastSquares, Loss, NonSaturating, Wasserstein
from gan_cli.tricks.pools import ExperienceReplay
from gan_cli.tricks.targets import LabelSmoothing
from gan_cli.tricks.terms import AuxiliaryClassifier, FeatureMatching
from tests.tricks.games import START, tiny_discriminator


class Values(nn.Module):
    """D(x) = x for images of one pixel, in bf16; remembers images and classes."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[list[float]] = []
        self.told: list[list[int] | None] = []

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.shown.append(x.flatten().tolist())
        self.told.append(None if y is None else y.tolist())
        return x.flatten().bfloat16(), x.flatten(1).bfloat16()


def numbers(*values: float) -> Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1)


REAL, FAKE = numbers(2.0, 0.25, -1.0, 3.0), numbers(-1.0, -2.0, 0.25, 1.0)


@pytest.mark.parametrize(
    ("loss", "real", "fake"),
    [(NonSaturating, 0.75, 0.5), (LeastSquares, 0.5, 0.75), (Wasserstein, None, None)],
)
def test_how_often_d_is_right(loss: type[Loss], real: float | None, fake: float | None):
    """0.25 is more real than 0 and less than 1/2; the logits of a critic have no such middle."""
    adversary = Adversary(Values(), loss())
    batch = adversary(REAL, FAKE, None, START, "discriminator")
    seen = {name: value.item() for name, value in adversary.watch(batch).items()}
    assert seen.pop("score/real") == pytest.approx(4.25 / 4)
    assert seen.pop("score/fake") == pytest.approx(-1.75 / 4)
    wanted = {"health/accuracy_real": real, "health/accuracy_fake": fake}
    assert seen == ({} if real is None else wanted)


def test_losses_are_computed_in_float32():
    batch = Adversary(Values(), Hinge())(REAL, FAKE, None, START, "discriminator")
    assert {batch.real.logits.dtype, batch.fake.features.dtype} == {torch.float32}


@pytest.mark.parametrize(("terms", "shown"), [([], 1), ([FeatureMatching()], 2)])
def test_g_asks_about_real_images_only_where_something_reads_them(terms: list, shown: int):
    network = Values()
    adversary = Adversary(network, NonSaturating())
    for term in terms:
        adversary.add("term", term)
    adversary.generator_losses(adversary(REAL, FAKE, None, START, "generator"))
    assert len(network.shown) == shown


def test_fakes_may_have_classes_of_their_own():
    network = Values()
    adversary = Adversary(network, NonSaturating())
    real, fake = torch.tensor([0, 1, 2, 3]), torch.tensor([3, 3, 3, 3])
    for given, wanted in ((None, real), (fake, fake)):
        network.told.clear()
        batch = adversary(REAL, FAKE, real, START, "generator", fake_label=given)
        assert batch.real.logits.shape == batch.fake.logits.shape
        assert network.told == [real.tolist(), wanted.tolist()]


def test_past_fakes_bring_their_classes():
    network = Values()
    adversary = Adversary(network, NonSaturating())
    pool = ExperienceReplay(4, p=1.0)
    pool.attach((1, 1, 1))
    adversary.add("pool", pool)
    classes = {value: i for i, value in enumerate(FAKE.flatten().tolist())}
    adversary(REAL, FAKE, torch.arange(4), START, "discriminator")
    batch = adversary(REAL, 0 * FAKE, torch.full((4,), 9), START, "discriminator")
    assert batch.fake.logits is not None
    assert network.told[-1] == [classes[value] for value in network.shown[-1]]
    batch = adversary(REAL, 0 * FAKE, torch.full((4,), 9), START, "generator")
    assert batch.fake.logits.abs().max() == 0  # G is shown its own


def test_a_trick_stands_in_every_place_it_can():
    """The auxiliary classifier changes D and adds to both losses."""
    network = tiny_discriminator()
    adversary = Adversary(network, NonSaturating())
    trick = AuxiliaryClassifier(n_classes=2)
    trick.apply_to(network)
    adversary.add("classes", trick)
    real, fake, label = *torch.rand(2, 4, 1, 2, 2), torch.tensor([0, 1, 0, 1])
    d = adversary.discriminator_losses(adversary(real, fake, label, START, "discriminator"))
    g = adversary.generator_losses(adversary(real, fake, label, START, "generator"))
    assert set(d) == set(g) == {"adversarial", "classes"}


def test_targets_are_changed_in_order():
    """Real targets 1 -> 0.9 -> 0.9 * 0.8 + 0.1 * 0.4; of fakes 0 -> 0 -> 0.4."""
    adversary = Adversary(Values(), LeastSquares())
    adversary.add("first", LabelSmoothing(real=0.1))
    adversary.add("second", LabelSmoothing(real=0.2, fake=0.4))
    batch = adversary(numbers(0.0), numbers(0.0), None, START, "discriminator")
    loss = adversary.discriminator_loss(batch).item()
    assert loss == pytest.approx((0.76**2 + 0.4**2) / 2)
    assert adversary.generator_losses(batch)["adversarial"].item() == pytest.approx(0.5)
