import logging

import pytest
import torch
from torch import nn

from gan_cli.data.digits import Digits
from gan_cli.data.gaussians import Gaussians
from gan_cli.data.outlines import Outlines
from gan_cli.data.restyled import Restyled
from gan_cli.errors import UserError
from gan_cli.evaluation import extractors
from gan_cli.evaluation.drawing import Drawn, draw_samples
from gan_cli.evaluation.evaluator import Evaluator, mean_over, mean_over_pairs
from gan_cli.evaluation.real_data import RealData
from gan_cli.evaluation.reference import take_reference
from gan_cli.games.requests import Request
from gan_cli.metrics import measures
from gan_cli.metrics.pairs import compare_pairs, l1
from gan_cli.metrics.values import better, headline
from gan_cli.viz.images import to_bytes
from tests.evaluation.stub_games import Copier, Inverter, Noise, Painter, Translator

pytestmark = pytest.mark.usefixtures("briefly")

CPU = torch.device("cpu")


def reference_of(dataset, count=60):
    dataset.prepare()
    return take_reference(RealData(dataset, memory_limit=1.0), count)


@pytest.fixture
def inception(monkeypatch):
    """Stands in for Inception: the colours of an image."""

    class Stub(nn.Module):
        def forward(self, images):
            features = images.float().mean((2, 3))
            return features, features

    monkeypatch.setattr(extractors, "Inception", lambda _: Stub())


@pytest.fixture
def gray(monkeypatch):
    """Stands in for the classifier: the class of a digit that is one shade all over."""

    class Stub(nn.Module):
        def forward(self, images):
            shades = images.float().mean((1, 2, 3))
            logits = -(shades[:, None] - 20.0 * torch.arange(10)).abs()
            return torch.stack([shades, shades.square()], 1), logits

    monkeypatch.setattr(extractors, "open_classifier", lambda *_, **__: Stub())


class Shades(Digits):
    """Every digit is one shade all over, which tells its class."""

    def load(self):
        data = super().load()
        images = (20 * data["label"]).to(torch.uint8)[:, None, None, None]
        return {**data, "image": images.expand(data["image"].shape).contiguous()}


def open_evaluator(game, reference, **changes):
    chosen = {"count": 60, "seed": 0, "inception": "none", "device": CPU, **changes}
    return Evaluator(game, game.draw, reference, **chosen)


def values(evaluator):
    found = [value for result in evaluator.evaluate() for value in result.values]
    assert [value.name for value in found] == evaluator.names()
    return {value.name: value for value in found}


def test_images_with_labels_are_measured_by_a_classifier():
    reference = reference_of(Digits(16))
    found = values(open_evaluator(Noise(reference.dataset.fields), reference))
    assert list(found) == [
        *("fd_classifier", "kd_classifier", "precision_classifier", "recall_classifier"),
        *("density_classifier", "coverage_classifier"),
        *("authenticity_classifier", "duplicates_classifier"),
        *("classes_reached", "class_kl"),
    ]
    fd, density = found["fd_classifier"], found["density_classifier"]
    assert (fd.n, fd.reals, fd.held_out_n, fd.seed, fd.k) == (60, 1497, 60, 0, None)
    assert (fd.split, fd.held_out_split, fd.trial) == ("train", "test", "")
    assert (density.k, found["precision_classifier"].k) == (5, 3)


def test_points_are_measured_by_their_modes():
    reference = reference_of(Gaussians(limit=600), 2000)
    found = values(open_evaluator(Noise(reference.dataset.fields), reference, count=200))
    assert set(found) == {"modes_hit", "high_quality", "reverse_kl", "mode_overlap"}
    assert found["modes_hit"].held_out == 8
    assert found["high_quality"].value < 0.5 < 0.95 < found["high_quality"].held_out


def test_rgb_is_measured_by_inception_too(inception):
    reference = reference_of(Digits(16, channels=3))
    game = Noise(reference.dataset.fields)
    found = values(open_evaluator(game, reference, inception="w.pth"))
    assert {"fid", "kid", "is", "precision", "fd_classifier", "precision_classifier"} <= set(found)
    assert headline(list(found)) == "fid"
    for name in found:
        assert better(name) in ("lower", "higher")


def test_a_class_that_is_drawn_as_ordered_is_recognised(gray):
    reference = reference_of(Shades(8))
    examples = (torch.arange(10) * 20 / 127.5 - 1).view(10, 1, 1, 1, 1).expand(10, 1, 1, 8, 8)
    right = values(open_evaluator(Painter(reference.dataset.fields, examples), reference))
    assert right["label_accuracy"].value == right["label_accuracy"].held_out == 1
    wrong = Painter(reference.dataset.fields, examples.roll(1, 0))
    assert values(open_evaluator(wrong, reference))["label_accuracy"].value == 0


def test_a_code_is_as_good_as_the_classes_that_can_be_told_by_it(gray):
    """Which code is which class nobody said: the best naming counts."""
    reference = reference_of(Shades(8))
    examples = (torch.arange(10) * 20 / 127.5 - 1).view(10, 1, 1, 1, 1).expand(10, 1, 1, 8, 8)
    coded = Painter(reference.dataset.fields, examples, coded=True)
    found = values(open_evaluator(coded, reference))
    assert found["code_accuracy"].value == found["code_accuracy"].held_out == 1
    assert "label_accuracy" not in found
    muddled = examples[[0, 0, 0, 0, 0, 5, 5, 5, 5, 5]]
    coded = Painter(reference.dataset.fields, muddled, coded=True)
    assert values(open_evaluator(coded, reference))["code_accuracy"].value == pytest.approx(0.2)


def test_pairs_are_compared_with_the_held_out_targets():
    reference = reference_of(Outlines(Digits(16)))
    found = values(open_evaluator(Translator(reference.dataset.fields), reference))
    assert list(found) == ["l1", "psnr", "ssim"]
    held_out = reference.held_out.fields
    source, target = (held_out[name].float() / 127.5 - 1 for name in ("source", "target"))
    for name, expected in compare_pairs(source, target).items():
        assert found[name].value == pytest.approx(expected, abs=1e-6), name
        assert (found[name].n, found[name].split, found[name].held_out) == (60, "test", None)
    assert headline(list(found)) == "ssim"


def test_an_encoder_is_measured_by_whom_its_features_take_for_alike():
    """A shade tells the class of a digit that is one shade all over; 8x8 numbers, 16/255 off."""
    reference = reference_of(Shades(8))
    found = values(open_evaluator(Copier(reference.dataset.fields, 32 / 255), reference))
    assert list(found) == [f"{name}_reconstruction" for name in ("l1", "psnr", "ssim", "l2")] + [
        "neighbour_accuracy_reconstruction"
    ]
    assert found["l2_reconstruction"].value == pytest.approx(8 * 16 / 255, abs=1e-6)
    accuracy = found["neighbour_accuracy_reconstruction"]
    assert (accuracy.value, accuracy.n, accuracy.reals) == (1.0, 60, 1497)
    assert (better(accuracy.name), accuracy.extractor) == ("higher", "the game's encoder")


def test_no_more_samples_are_counted_than_there_are_inputs():
    reference = reference_of(Outlines(Digits(8)), count=1000)
    found = values(open_evaluator(Translator(reference.dataset.fields), reference, count=1000))
    assert found["l1"].n == 300


def test_inputs_that_were_trained_on_are_said_to_be(monkeypatch):
    monkeypatch.setattr(Digits, "held_out", lambda self: None)
    reference = reference_of(Outlines(Digits(8)))
    found = values(open_evaluator(Translator(reference.dataset.fields), reference))
    assert found["l1"].note == "too good: these inputs were trained on"
    assert found["l1"].split == "one tenth"


def test_each_way_of_a_translation_is_measured_for_itself():
    reference = reference_of(Restyled(Digits(16), thicken=0))
    game = Inverter(reference.dataset.fields, error=0.5)
    found = values(open_evaluator(game, reference))
    assert {"fd_classifier_ab", "fd_classifier_ba", "cycle_l1_ab", "cycle_l1_ba"} <= set(found)
    assert found["fd_classifier_ab"].trial == "ab"
    a, b = (reference.held_out.fields[side].float() / 127.5 - 1 for side in "ab")
    assert found["cycle_l1_ab"].value == pytest.approx(float(a.abs().mean()) / 2, abs=0.01)
    assert found["cycle_l1_ba"].value == pytest.approx(float(b.abs().mean()) / 2, abs=0.01)
    assert headline(list(found)) == "fd_classifier_ab"
    # a right translation is as near to the other side's reals as the held-out ones there
    assert found["fd_classifier_ab"].value < 3 * found["fd_classifier_ab"].held_out


def test_a_translation_should_keep_the_class_of_its_input(gray):
    reference = reference_of(Restyled(Shades(8), thicken=0))
    found = values(open_evaluator(Inverter(reference.dataset.fields), reference))
    # the stub tells dark from bright: zeros become nines, which it cannot have been told
    wanted = reference.held_out.fields["label_a"]
    made = (255 - reference.held_out.fields["a"]).float().mean((1, 2, 3))
    seen = (made[:, None] - 20.0 * torch.arange(10)).abs().argmin(1)
    expected = float((seen == wanted).double().mean())
    assert found["label_accuracy_ab"].value == pytest.approx(expected)


def test_the_same_request_has_the_same_values_again():
    reference = reference_of(Digits(16))
    evaluator = open_evaluator(Noise(reference.dataset.fields), reference, count=40)
    first = values(evaluator)
    assert values(evaluator) == first
    other = open_evaluator(Noise(reference.dataset.fields), reference, count=40, seed=1)
    assert values(other)["fd_classifier"].value != first["fd_classifier"].value


def test_what_does_not_depend_on_the_fakes_is_done_once(monkeypatch):
    calls = []

    def counted(name):
        whole = getattr(measures, name)
        monkeypatch.setattr(measures, name, lambda x, *_: calls.append(len(x)) or whole(x))

    for name in ("fit_gaussian", "find_neighbourhoods"):
        counted(name)
    reference = reference_of(Digits(16))
    evaluator = open_evaluator(Noise(reference.dataset.fields), reference, count=40)
    assert calls == [1497, 1497, 60]  # the reference's two, and the held-out reals' neighbourhoods
    list(evaluator.evaluate())
    assert calls == [1497, 1497, 60, 40]


@pytest.mark.parametrize("dataset", [Digits(16), Gaussians(limit=300)], ids=["images", "points"])
def test_held_out_reals_in_the_fakes_place_have_the_held_out_values(dataset):
    reference = reference_of(dataset)
    evaluator = open_evaluator(Noise(dataset.fields), reference)
    ((_, (extractor,)),) = evaluator._trials.values()
    held_out = reference.held_out.fields
    drawn = Drawn(held_out["image"], held_out["label"], held_out["label"], None)
    found, _ = extractor.measure(drawn)
    assert len(found) > 3
    for value in found:
        assert value.value == value.held_out, value.name
        assert (value.n, value.held_out_n) == (60, 60)


def test_it_leaves_torchs_generators_alone(inception):
    reference = reference_of(Digits(16, channels=3))
    before = torch.get_rng_state()
    evaluator = open_evaluator(Noise(reference.dataset.fields), reference, inception="w.pth")
    values(evaluator)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()


def test_samples_are_drawn_in_parts_that_join_to_the_whole():
    dataset = Digits(8)
    game, sizes = Noise(dataset.fields, n_classes=10), []

    def draw(request):
        sizes.append(request.count)
        return game.draw(request)

    trial = game.trials()[""]
    drawn = draw_samples(game, draw, trial, {}, 2300, seed=0)
    assert sizes == [1000, 1000, 300]
    assert (drawn.made.dtype, drawn.made.shape) == (torch.uint8, (2300, 1, 8, 8))
    whole = game.draw(game.complete(Request(2300, seed=0)))
    assert torch.equal(drawn.made, to_bytes(whole.made))
    assert torch.equal(drawn.label, whole.label)


def test_samples_that_are_not_finite_are_refused():
    reference = reference_of(Digits(8))
    game = Noise(reference.dataset.fields)
    evaluator = open_evaluator(game, reference)
    with torch.no_grad():
        game.norm.weight.fill_(float("nan"))
    with pytest.raises(UserError, match="NaN or Inf"):
        list(evaluator.evaluate())


class Unlabelled(Digits):
    """Digits that nobody has told apart."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.n_classes = 0

    def load(self):
        return {"image": super().load()["image"]}


@pytest.mark.parametrize(
    ("channels", "said"), [(1, "that are not RGB need labels"), (3, "inception=none")]
)
def test_nothing_to_measure_by_is_said_in_one_line(channels, said):
    reference = reference_of(Unlabelled(8, channels))
    with pytest.raises(UserError, match=said) as error:
        open_evaluator(Noise(reference.dataset.fields), reference)
    assert len(error.value.problems) == 1


def test_a_cycle_is_a_measure_where_there_is_no_other():
    reference = reference_of(Restyled(Unlabelled(8), thicken=0))
    found = values(open_evaluator(Inverter(reference.dataset.fields), reference))
    assert list(found) == ["cycle_l1_ab", "cycle_l1_ba"]
    assert headline(list(found)) is None  # doing nothing would score best


def test_a_poor_classifier_is_warned_of(caplog, gray):
    open_evaluator(Noise(Shades(8).fields), reference_of(Shades(8)))
    assert "classifier" not in caplog.text
    with caplog.at_level(logging.WARNING):
        open_evaluator(Noise(Digits(8).fields), reference_of(Digits(8)))
    assert "is right on only" in caplog.text


def test_means_over_parts_are_those_over_all(monkeypatch):
    monkeypatch.setattr("gan_cli.evaluation.evaluator.CHUNK", 7)
    a, b = torch.randint(256, (2, 20, 1, 8, 8), dtype=torch.uint8)
    x, y = (t.float() / 127.5 - 1 for t in (a, b))
    assert mean_over_pairs(a, b) == pytest.approx(compare_pairs(x, y), abs=1e-6)
    assert mean_over(l1, a, b) == pytest.approx(float(l1(x, y).mean()))
    with pytest.raises(UserError, match="should draw"):
        mean_over_pairs(a, b[:, :, :4])
