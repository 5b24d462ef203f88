import pytest
import torch

from gan_cli.tricks.examples import Progress
from gan_cli.tricks.views import DiffAugment, InstanceNoise, cut_out, recolor, translate
from tests.tricks.games import START, Tiny


def at(epoch: float, done: float) -> Progress:
    return Progress(step=0, epoch=epoch, done=done)


def test_noise_fades():
    noise = InstanceNoise(std=0.2, decay=0.5)
    assert [noise.level(at(epoch, 0.0)) for epoch in (0, 1, 2)] == [0.2, 0.1, 0.05]
    noise = InstanceNoise(std=0.2, schedule="linear")
    assert [noise.level(at(0, done)) for done in (0.0, 0.75, 1.0)] == [0.2, 0.05, 0.0]


def test_noise_has_its_standard_deviation():
    torch.manual_seed(0)
    noisy = InstanceNoise(std=0.2)(torch.ones(100, 1, 16, 16), START)
    assert (noisy - 1).std().item() == pytest.approx(0.2, rel=0.02)
    assert noisy.mean().item() == pytest.approx(1.0, abs=0.01)


def test_noise_fades_from_step_to_step():
    noise = InstanceNoise(std=0.2, schedule="linear")
    noise.on_step(START._replace(step=5, done=0.75))
    noisy = noise(torch.ones(100, 1, 16, 16), START)
    assert (noisy - 1).std().item() == pytest.approx(0.05, rel=0.02)
    assert "present" in noise.state_dict()  # a resumed run goes on with it


def test_views_reach_both_turns_and_both_kinds():
    class Watch(InstanceNoise):
        seen = 0

        def forward(self, x, progress):
            Watch.seen += 1
            return x

    Tiny(Watch()).play(1)
    assert Watch.seen == 3  # real and fake in D's turn, fake in G's


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 15, 28])
@pytest.mark.parametrize("policy", ["color", "translation", "cutout"])
def test_augmentation_keeps_shape_and_lets_gradients_through(channels, size, policy):
    x = torch.rand(4, channels, size, size, requires_grad=True)
    changed = DiffAugment([policy])(x, START)
    assert changed.shape == x.shape
    assert not torch.equal(changed, x)
    (slope,) = torch.autograd.grad((changed * torch.rand_like(changed)).sum(), x)
    assert (slope.flatten(1).abs().max(1).values > 0).all()


@pytest.mark.parametrize("change", [recolor, translate, cut_out])
def test_augmentation_is_differentiable_twice(change):
    x = torch.rand(2, 1, 8, 8, dtype=torch.double, requires_grad=True)

    def same(x):
        torch.manual_seed(0)
        return change(x)

    assert torch.autograd.gradcheck(same, x)
    assert torch.autograd.gradgradcheck(lambda x: same(x) ** 2, x)


def test_translation_shifts_by_up_to_an_eighth():
    torch.manual_seed(0)
    x = torch.zeros(400, 1, 16, 16)
    x[:, :, 8, 8] = 1.0
    places = translate(x)[:, 0].nonzero()[:, 1:] - 8  # one bright pixel each
    assert len(places) == 400
    assert set(places[:, 0].tolist()) == set(places[:, 1].tolist()) == {-2, -1, 0, 1, 2}
    assert len(set(map(tuple, places.tolist()))) == 25


@pytest.mark.parametrize(("size", "reach"), [(8, 1), (20, 3), (28, 4), (36, 5), (52, 7), (64, 8)])
def test_translation_reaches_as_far_as_in_the_papers_code(size, reach):
    """int(size * 0.125 + 0.5), also where an eighth ends in a half."""
    torch.manual_seed(0)
    x = torch.zeros(2000, 1, size, size)
    x[:, :, size // 2, size // 2] = 1.0
    places = translate(x)[:, 0].nonzero()[:, 1:] - size // 2
    assert (places.min(), places.max()) == (-reach, reach)


@pytest.mark.parametrize(("size", "width"), [(8, 4), (9, 5), (13, 7), (15, 8), (28, 14)])
def test_cutout_is_as_wide_as_in_the_papers_code(size, width):
    """int(size * 0.5 + 0.5), also where a half ends in a half."""
    torch.manual_seed(0)
    hidden = cut_out(torch.ones(200, 1, size, size))[:, 0] == 0
    assert hidden.any(2).sum(1).max() == width


def test_translation_brings_in_gray():
    torch.manual_seed(0)
    moved = translate(torch.ones(100, 2, 16, 16))
    rows = (moved[:, 0].amax(2) == 0).sum(1)
    assert rows.max() == 2  # whole rows, as many as the shift
    assert torch.equal(moved[:, 0], moved[:, 1])


def test_cutout_hides_a_square():
    torch.manual_seed(0)
    hidden = cut_out(torch.ones(400, 3, 16, 16)) == 0
    assert torch.equal(hidden[:, 0], hidden[:, 2])
    rows, columns = (hidden[:, 0].any(d).sum(1) for d in (2, 1))
    assert torch.equal(hidden[:, 0].sum((1, 2)), rows * columns)
    assert rows.min() == 4
    assert rows.max() == 8
    assert hidden.all(0).sum() == 0


def test_color_keeps_pixels_in_their_places():
    """Brightness and contrast are affine per image: one channel keeps the order of its pixels."""
    x = torch.rand(50, 1, 4, 4)
    torch.testing.assert_close(
        recolor(x).flatten(1).argsort(1), x.flatten(1).argsort(1), rtol=0, atol=0
    )


def test_color_moves_the_mean_by_brightness_alone():
    torch.manual_seed(0)
    x = torch.rand(2000, 3, 4, 4)
    moved = recolor(x).mean((1, 2, 3)) - x.mean((1, 2, 3))
    assert -0.5 <= moved.min() < -0.49
    assert 0.49 < moved.max() <= 0.5


def test_color_scales_contrast_and_saturation():
    """Gray spreads by the contrast in [0.5, 1.5], channels besides by the saturation in [0, 2]."""
    torch.manual_seed(0)
    x = torch.rand(2000, 3, 2, 2, dtype=torch.double)
    changed = recolor(x)
    spread = []
    for images in (x, changed):
        gray = images.mean(1, keepdim=True)
        mean = images.mean((1, 2, 3), keepdim=True)
        spread.append(((gray - mean).flatten(1).norm(dim=1), (images - gray)[:, 0, 0, 0]))
    contrast = spread[1][0] / spread[0][0]
    saturation = spread[1][1] / spread[0][1] / contrast
    for found, low, high in ((contrast, 0.5, 1.5), (saturation, 0.0, 2.0)):
        assert low - 1e-6 <= found.min() < low + 0.01
        assert high - 0.01 < found.max() <= high + 1e-6


def test_no_policy_changes_nothing():
    plain, without = Tiny(), Tiny(DiffAugment([]))
    plain.play(3), without.play(3)
    assert plain.equals(without)
