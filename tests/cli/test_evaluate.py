import functools
import json
import math

import pytest
import torch
from PIL import Image

from gan_cli.metrics import classifier, inception
from tests.conftest import BARE, NARROW
from tests.data.test_torchvision import mnist_files


@pytest.fixture(autouse=True)
def briefly(monkeypatch):
    """Classifiers of two steps: numbers mean nothing, and every path is walked."""
    monkeypatch.setattr(classifier, "train", functools.partial(classifier.train, steps=2))


def metrics(path):
    return {value["name"]: value for value in json.loads(path.read_text())["metrics"]}


def test_labelled_images_are_measured_by_a_classifier(gan_train, gan_evaluate, tmp_path):
    run = gan_train("model=cgan", *BARE).folder
    result = gan_evaluate(f"checkpoint={run}", "count=100", "seed=3")
    assert result.code == 0, result.err
    found = metrics(run / "evaluation.json")
    assert list(found) == [
        *("fd_classifier", "kd_classifier", "precision_classifier", "recall_classifier"),
        *("density_classifier", "coverage_classifier"),
        *("authenticity_classifier", "duplicates_classifier"),
        *("classes_reached", "class_kl", "label_accuracy"),
    ]
    fd = found["fd_classifier"]
    # all 1,497 digits, though the run saw 64 of them
    assert (fd["n"], fd["reals"], fd["held_out_n"]) == (100, 1497, 100)
    assert (fd["split"], fd["held_out_split"], fd["seed"]) == ("train", "test", 3)
    assert "classifier" in fd["extractor"]
    assert fd["note"] == "too high: 100 samples are few for 128 features"
    assert 0 <= fd["held_out"] < fd["value"]
    assert (fd["k"], found["precision_classifier"]["k"]) == (None, 3)
    for name in found:
        assert name in result.out
    assert "too high: 100 samples" in result.out
    for name in ("neighbours.png", "near_duplicates.png"):
        assert str(run / name) in result.out
        with Image.open(run / name) as image:
            assert image.height > 400  # ten rows
    # nothing else is left in the folder it was called from
    assert {path.name for path in tmp_path.iterdir()} == {"run", "cache"}


def test_the_same_seed_gives_the_same_metrics(gan_train, gan_evaluate, tmp_path):
    run = gan_train("model=dcgan", *BARE, *NARROW).folder
    for out in ("a.json", "b.json"):
        assert gan_evaluate(f"checkpoint={run}", "count=20", f"out={tmp_path / out}").code == 0
    assert (tmp_path / "a.json").read_text() == (tmp_path / "b.json").read_text()
    assert "label_accuracy" not in metrics(tmp_path / "a.json")  # it takes no orders
    assert {"a-neighbours.png", "a-near_duplicates.png"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert not {"neighbours.png", "near_duplicates.png"} & {path.name for path in run.iterdir()}
    assert not (run / "evaluation.json").exists()


def test_points_are_measured_by_their_modes(gan_train, gan_evaluate):
    run = gan_train("model=vanilla", "data=gaussians", "data.limit=600", "trainer.steps=2").folder
    result = gan_evaluate(f"checkpoint={run}", "count=200")
    assert result.code == 0, result.err
    found = metrics(run / "evaluation.json")
    assert set(found) == {"modes_hit", "high_quality", "reverse_kl", "mode_overlap"}
    assert found["modes_hit"]["held_out"] == 8
    assert found["high_quality"]["held_out"] > 0.95
    assert not {"neighbours.png", "near_duplicates.png"} & {path.name for path in run.iterdir()}


def test_stacked_digits_are_counted_by_a_thousand_modes(
    gan_train, gan_evaluate, monkeypatch, tmp_path
):
    monkeypatch.setattr("gan_cli.data.stacked.IMAGES", 200)
    for prefix in ("train", "t10k"):
        mnist_files(tmp_path / "root", prefix=prefix)
    data = ["data=stacked_mnist", f"data.root={tmp_path / 'root'}"]
    run = gan_train(*data, *BARE, *NARROW).folder
    result = gan_evaluate(f"checkpoint={run}", "count=100")
    assert result.code == 0, result.err
    found = metrics(run / "evaluation.json")
    assert "fid" not in found  # three digits are no RGB image, though they have three channels
    assert found["class_kl"]["held_out"] <= math.log(1000)
    assert found["fd_classifier"]["note"].endswith("384 features")
    refused = gan_evaluate(f"checkpoint={run}", "count=100", "inception=w.pth")
    assert (refused.code, len(refused.problems)) == (2, 1)
    assert "inception: it sees RGB" in refused.problems[0]


@pytest.fixture
def colours(tmp_path):
    """A folder of RGB images without labels."""
    folder = tmp_path / "colours"
    folder.mkdir()
    for number in range(120):
        Image.new("RGB", (16, 16), (number, 2 * number, 255 - number)).save(
            folder / f"{number}.png"
        )
    return folder


def unlabelled(folder):
    return ["data=folder", f"data.root={folder}", "data.image_size=16", *BARE, *NARROW]


def test_rgb_without_labels_needs_inception(gan_train, gan_evaluate, monkeypatch, colours):
    def fail(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    run = gan_train(*unlabelled(colours)).folder
    result = gan_evaluate(f"checkpoint={run}", "count=20")
    assert result.code == 2
    assert len(result.problems) == 1
    assert "cannot be fetched" in result.problems[0]
    result = gan_evaluate(f"checkpoint={run}", "count=20", "inception=none")
    assert (result.code, len(result.problems)) == (2, 1)


def test_inception_measures_rgb(gan_train, gan_evaluate, monkeypatch, colours, tmp_path):
    class Stub(torch.nn.Module):
        def __init__(self, weights):
            super().__init__()
            assert weights == tmp_path / "w=1.pth"

        def forward(self, images):
            features = images.float().mean((2, 3))
            return features, features

    run = gan_train(*unlabelled(colours)).folder
    monkeypatch.setattr("gan_cli.evaluation.extractors.Inception", Stub)
    result = gan_evaluate(f"checkpoint={run}", "count=20", f"inception={tmp_path / 'w=1.pth'}")
    assert result.code == 0, result.err
    found = metrics(run / "evaluation.json")
    assert {"fid", "kid", "is", "precision", "coverage"} <= found.keys()
    assert (found["fid"]["reals"], found["fid"]["held_out_n"]) == (108, 12)
    assert found["fid"]["split"] == "nine tenths"


def test_labelled_rgb_goes_on_without_inception(gan_train, gan_evaluate, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    run = gan_train("data.channels=3", *BARE, *NARROW).folder
    result = gan_evaluate(f"checkpoint={run}", "count=20")
    assert result.code == 0, result.err
    assert "without FID, KID and IS" in result.out
    assert "fid" not in metrics(run / "evaluation.json")


def test_what_cannot_be_measured_is_said_in_one_line(gan_train, gan_evaluate, tmp_path):
    run = gan_train(*BARE, *NARROW).folder
    for arguments, said in (
        (["checkpoint=nowhere"], "nowhere: no such checkpoint"),
        ([f"checkpoint={run}", "count=3"], "count=3: should be"),
        ([f"checkpoint={run}", "data.root=elsewhere"], "data.root: this run's data has no such"),
        ([f"checkpoint={run}", "data.download=true"], "data.download: this run's data has no such"),
        ([f"checkpoint={run}", "inception=w.pth"], "inception: it sees RGB"),
        ([f"checkpoint={run}", "data.limit=5"], "too few"),
        ([f"checkpoint={run}", "cuont=5"], "cuont: no such key; did you mean count?"),
        ([], "checkpoint: missing"),
    ):
        result = gan_evaluate(*arguments, *(["count=20"] if len(arguments) < 2 else []))
        assert result.code == 2, arguments
        assert len(result.problems) == 1, result.err
        assert said in result.problems[0]


def test_pairs_are_measured_against_their_targets(gan_train, gan_evaluate):
    run = gan_train("model=pix2pix", "data=digit_outlines", *BARE).folder
    result = gan_evaluate(f"checkpoint={run}", "count=400")
    assert result.code == 0, result.err
    found = metrics(run / "evaluation.json")
    assert list(found) == ["l1", "psnr", "ssim"]
    # all 300 held-out pairs, though more samples were asked for
    assert {(value["n"], value["split"]) for value in found.values()} == {(300, "test")}
    assert not (run / "neighbours.png").exists()


def test_translations_are_measured_each_way(gan_train, gan_evaluate):
    narrow = ["model.generator_ab.width=4", "model.generator_ab.blocks=1"]
    run = gan_train("model=cyclegan", "data=digit_inversion", *BARE, *narrow).folder
    result = gan_evaluate(f"checkpoint={run}", "count=50")
    assert result.code == 0, result.err
    found = metrics(run / "evaluation.json")
    for way in ("ab", "ba"):
        assert {f"fd_classifier_{way}", f"cycle_l1_{way}"} <= found.keys()
        assert found[f"cycle_l1_{way}"]["trial"] == way
        assert (run / f"neighbours_{way}.png").exists()


def test_where_nothing_can_be_written_it_says_so_before_measuring(
    gan_train, gan_evaluate, monkeypatch, tmp_path
):
    run = gan_train(*BARE, *NARROW).folder
    monkeypatch.setattr("gan_cli.evaluation.evaluate.open_data", None)  # it does not come to that
    (tmp_path / "file").touch()
    for out, said in (
        (tmp_path, f"out={tmp_path}: a folder; name a file"),
        (tmp_path / "file" / "a.json", f"{tmp_path / 'file'} is no folder"),
        (tmp_path / "file" / "new" / "a.json", f"{tmp_path / 'file'} is no folder"),
    ):
        result = gan_evaluate(f"checkpoint={run}", f"out={out}")
        assert (result.code, len(result.problems)) == (2, 1), result.err
        assert said in result.problems[0]
    monkeypatch.setattr("os.access", lambda *_: False)  # for whoever tests as root
    for arguments in ([], [f"out={tmp_path / 'new' / 'a.json'}"]):
        result = gan_evaluate(f"checkpoint={run}", *arguments)
        assert (result.code, len(result.problems)) == (2, 1), result.err
        assert "write-protected" in result.problems[0]
    assert not (tmp_path / "new").exists()


def test_the_running_mean_can_be_left_out(gan_train, gan_evaluate, tmp_path):
    run = gan_train(*BARE, *NARROW).folder
    written = {}
    for ema in ("true", "false"):
        out = tmp_path / f"{ema}.json"
        assert gan_evaluate(f"checkpoint={run}", "count=20", f"ema={ema}", f"out={out}").code == 0
        written[ema] = json.loads(out.read_text())
    assert [written[ema]["ema"] for ema in ("true", "false")] == [True, False]
    assert written["true"]["metrics"] != written["false"]["metrics"]


def test_inceptions_digest_is_part_of_its_name():
    assert inception.SHA256 in inception.URL
