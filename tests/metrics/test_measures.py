import torch

from gan_cli.metrics import measures
from gan_cli.metrics.features import Features
from gan_cli.metrics.fidelity import KernelReference, frechet_distance
from gan_cli.metrics.measures import FeatureMeasures, Measurement, beware, measure_classes


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_measurements_say_what_they_are_of(monkeypatch):
    monkeypatch.setattr(measures, "NEIGHBOURS", 50)
    real, fake = normal(90, 3), normal(70, 3, seed=1)
    found = FeatureMeasures(real, 0, inception=True).measure(fake).by_name
    assert found["fid"] == Measurement(frechet_distance(real, fake), 70, 90, 3)
    assert found["kid"] == Measurement(KernelReference(real).distance(fake), 70, 90)
    for names, k in (("precision recall", 3), ("density coverage", 5), ("duplicates", None)):
        for name in names.split():
            assert found[name][1:] == (50, 50, 0, k), name
    assert found["authenticity"][1:] == (50, 90, 0, None)


def test_duplicates_are_judged_among_as_many_reals_as_there_are_fakes():
    few, many = normal(30, 3), normal(400, 3, seed=1)
    for real, fake in ((few, many), (many, few)):
        found = FeatureMeasures(real, 0, inception=True).measure(fake).by_name["duplicates"]
        assert (found.n, found.reals) == (30, 30)


def test_a_classifiers_metrics_are_not_taken_for_inceptions():
    real = normal(40, 3)
    ours = FeatureMeasures(real, 0, inception=False).measure(real).by_name
    theirs = FeatureMeasures(real, 0, inception=True).measure(real).by_name
    assert len(ours) == len(theirs) == 8
    assert not ours.keys() & theirs.keys()
    assert all(name.endswith("_classifier") for name in ours)


def test_the_training_sample_a_fake_was_copied_from_is_named():
    real = normal(60, 3)
    copied = torch.tensor([7, 3, 59, 12, 13, 14, 15, 16, 17, 18, 19])
    nearest = FeatureMeasures(real, 0, inception=True).measure(real[copied]).nearest
    assert nearest.training.shape == (10, 5)
    assert nearest.training[:, 0].tolist() == copied[:10].tolist()


def test_classes_and_the_ones_that_were_ordered():
    found = Features(torch.zeros(4, 1), torch.eye(3)[[0, 0, 2, 2]])
    measured = measure_classes(found, torch.tensor([0, 1, 2, 2]))
    assert measured["classes_reached"] == Measurement(2, 4)
    assert measured["label_accuracy"] == Measurement(0.75, 4)
    assert "label_accuracy" not in measure_classes(found, None)


def test_too_few_samples_for_a_frechet_distance_are_told_of():
    enough, few = Measurement(1.0, 50, 50, 10), Measurement(1.0, 49, 50, 10)
    assert beware(enough, enough) == ""
    assert beware(few, enough) == "too high: 49 samples are few for 10 features"
    assert beware(enough, few) == "held-out too high: 49 samples are few for 10 features"
    assert beware(enough._replace(reals=3), enough).startswith("too high: 3 samples")
    assert beware(Measurement(1.0, 2), Measurement(1.0, 2)) == ""
