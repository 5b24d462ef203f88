import torch

from gan_cli.networks.labels import AppendLabel, LabelPlane


def test_append_label():
    append = AppendLabel(3)
    x, y = torch.randn(2, 1, 4, 4), torch.tensor([2, 0])
    joined = append(x, y)
    assert joined.shape == (2, 16 + 3)
    torch.testing.assert_close(joined[:, :16], x.flatten(1))
    torch.testing.assert_close(joined[:, 16:], append.embedding.weight[y])


def test_append_label_without_classes_only_flattens():
    x = torch.randn(2, 1, 4, 4)
    torch.testing.assert_close(AppendLabel(0)(x), x.flatten(1))


def test_label_plane():
    plane = LabelPlane(3, image_size=4)
    x, y = torch.randn(2, 3, 4, 4), torch.tensor([2, 0])
    joined = plane(x, y)
    assert joined.shape == (2, 4, 4, 4)
    torch.testing.assert_close(joined[:, :3], x)
    torch.testing.assert_close(joined[:, 3].flatten(1), plane.embedding.weight[y])
