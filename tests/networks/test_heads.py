import pytest
import torch

from gan_cli.networks.heads import LinearHead, PatchHead, ProjectionHead, projection_or_linear


def test_projection():
    """score = w . f + b + <e_y, f>: with w = (1, 1), b = 3, e = ((0, 0), (10, 0)), f = (2, 5)
    it is 2 + 5 + 3 = 10 for label 0, and 10 + 10 * 2 = 30 for label 1."""
    head = ProjectionHead(2, n_classes=2)
    with torch.no_grad():
        head.linear.weight.fill_(1.0)
        head.linear.bias.fill_(3.0)
        head.embedding.weight.copy_(torch.tensor([[0.0, 0.0], [10.0, 0.0]]))
    score = head(torch.tensor([[2.0, 5.0], [2.0, 5.0]]), torch.tensor([0, 1]))
    torch.testing.assert_close(score, torch.tensor([10.0, 30.0]))


def test_linear_head_reads_no_labels():
    head, features = LinearHead(4), torch.randn(3, 4)
    torch.testing.assert_close(head(features, torch.tensor([0, 1, 2])), head(features))
    assert head(features).shape == (3,)


def test_labels_choose_the_head():
    assert isinstance(projection_or_linear(4, n_classes=0), LinearHead)
    assert isinstance(projection_or_linear(4, n_classes=2), ProjectionHead)


def test_resized_keeps_its_kind():
    head = ProjectionHead(4, n_classes=2, bias=False).resized(6)
    assert (head.feature_dim, head.n_classes, head.linear.bias) == (6, 2, None)
    assert LinearHead(4).resized(6)(torch.randn(3, 6)).shape == (3,)
    patches = PatchHead(4, kernel=1, bias=False).resized(6)
    assert (patches.feature_dim, patches.kernel, patches.conv.bias) == (6, 1, None)


@pytest.mark.parametrize(("kernel", "size"), [(4, 4), (1, 5)])
def test_patches(kernel, size):
    assert PatchHead(3, kernel)(torch.randn(2, 3, 5, 5)).shape == (2, size, size)
