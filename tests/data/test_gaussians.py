import pytest
import torch

from gan_cli.data.fields import Field
from gan_cli.data.gaussians import SCALE, Gaussians


@pytest.mark.parametrize(("layout", "modes", "std"), [("ring", 8, 0.02), ("grid", 25, 0.05)])
def test_each_mode_has_its_mean_and_spread(layout, modes, std):
    dataset = Gaussians(layout, limit=50_000, n_classes=modes)
    data = dataset.load()
    points = data["image"].view(-1, 2)
    assert data["image"].shape == (50_000, 2, 1, 1)
    assert data["image"].abs().max() < 1
    assert dataset.centres.shape == (modes, 2)
    for mode, centre in enumerate(dataset.centres):
        own = points[data["label"] == mode]
        assert len(own) > 0.9 * 50_000 / modes
        error = 5 * dataset.std / len(own) ** 0.5  # five standard errors
        assert (own.mean(0) - centre).abs().max() < error
        assert own.std(0).sub(dataset.std).abs().max() < error
    assert dataset.std * SCALE[layout] == pytest.approx(std)


def test_published_geometry():
    ring = Gaussians("ring").centres * SCALE["ring"]
    assert torch.allclose(ring.norm(dim=1), torch.full([8], 2.0))
    grid = Gaussians("grid", n_classes=25).centres * SCALE["grid"]
    assert sorted(set(grid.flatten().tolist())) == [-4, -2, 0, 2, 4]
    assert len({tuple(centre) for centre in grid.tolist()}) == 25


def test_points_depend_on_the_seed_alone():
    first = Gaussians(limit=100, seed=1).load()
    torch.manual_seed(5)
    assert torch.equal(first["image"], Gaussians(limit=100, seed=1).load()["image"])
    assert not torch.equal(first["image"], Gaussians(limit=100, seed=2).load()["image"])


def test_another_number_of_modes_is_refused():
    with pytest.raises(ValueError, match="n_classes=8: layout=grid has 25 modes"):
        Gaussians("grid", n_classes=8)


def test_points_are_not_images():
    dataset = Gaussians()
    assert dict(dataset.fields) == {"image": Field("point", (2, 1, 1)), "label": Field("label")}
    assert dataset.class_names == tuple("01234567")


def test_held_out_are_another_seeds_points():
    dataset = Gaussians(limit=100, seed=1)
    held_out = dataset.held_out()
    assert (dataset.part, held_out.part, len(held_out)) == ("seed 1", "seed 2", 100_000)
    assert torch.equal(held_out.load()["image"], Gaussians(seed=2).load()["image"])
