import pytest
import torch
from torch import nn

from gan_cli.tricks.hooks import GradientClipping, WeightClipping


def network(weight: list[float], slope: list[float]) -> nn.Module:
    made = nn.Linear(2, 1, bias=False)
    made.weight.data = torch.tensor([weight])
    made.weight.grad = torch.tensor([slope])
    return made


@pytest.mark.parametrize(("slope", "wanted"), [([3.0, 4.0], [0.6, 0.8]), ([0.3, 0.4], [0.3, 0.4])])
def test_gradient_clipping_scales_what_is_too_long(slope, wanted):
    made = network([1.0, 1.0], slope)
    GradientClipping(max_norm=1.0).before_step([*made.parameters()])
    torch.testing.assert_close(made.weight.grad, torch.tensor([wanted]), rtol=1e-4, atol=0)


def test_weight_clipping_holds_the_critic_in_a_box():
    made = network([0.5, -0.005], [0.0, 0.0])
    hook = WeightClipping(limit=0.01)
    hook.after_step([*made.parameters()])
    torch.testing.assert_close(made.weight.detach(), torch.tensor([[0.01, -0.005]]))
    assert hook.place == "adversary"  # never a generator's weights
