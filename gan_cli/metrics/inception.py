"""The Inception network that FID, KID and IS are defined by."""

import pickle
from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.paths import cache_folder

URL = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth"
)
SHA256 = "6726825d"
"""How the file's digest begins; its publisher put that into its name."""


class Inception(nn.Module):
    """Inception v3 with its TensorFlow weights of 2015.

    What FID was published with (Heusel et al. 2017, "GANs trained by a two time-scale update rule
    converge to a local Nash equilibrium"). The network, the conversion of its weights and its
    TensorFlow-like resizing are torch-fidelity's: figures from any other Inception cannot be
    compared with published ones.

    Args:
        weights: the file that `fetch_weights` fetches.

    Raises:
        UserError: the file is missing, holds something else, or would run code.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        from torch_fidelity import FeatureExtractorInceptionV3  # takes seconds to import

        if not weights.is_file():
            raise UserError(f"inception={weights}: no such file; take {URL}")
        try:
            # torch-fidelity would run code it finds in there: look first
            torch.load(weights, map_location="cpu", weights_only=True)
            with torch.random.fork_rng(devices=[]):  # it is initialised before it is filled
                self.network = FeatureExtractorInceptionV3(
                    "inception", ["2048", "logits_unbiased"], str(weights)
                )
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError) as error:
            raise UserError(f"inception={weights}: not Inception's weights; take {URL}") from error

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [N, 3, H, W] -> pooled features [N, 2048] and logits without bias [N, 1008]."""
        return self.network(images)


def fetch_weights() -> Path:
    """Download the weights, 91 MB, once.

    Raises:
        UserError: they cannot be fetched; says which file to put where.
    """
    path = cache_folder() / URL.rpartition("/")[2]
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(URL, str(path), hash_prefix=SHA256)
    except (OSError, HTTPException, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"Inception's weights cannot be fetched ({reason}); give inception=PATH of {URL}"
        ) from error
    return path
