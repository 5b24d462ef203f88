"""Measuring samples while a run goes on."""

import logging
from collections.abc import Mapping

from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.evaluation.evaluator import Examiner, make_fakes
from gan_cli.games import latents as sampling
from gan_cli.metrics.figures import BETTER, CLASSIFIER, better, headline
from gan_cli.networks.roles import Generator
from gan_cli.spelling import nearest
from gan_cli.tricks.examples import Progress

log = logging.getLogger(__name__)

PREFIX = "metric/"


class Quality:
    """A probe: figures of samples as `metric/<name>`, from the same latents each time.

    Nothing it draws or asks reaches the training.

    Args:
        every: steps between two measurements; there is one at the end too.
        examiner: knows the real pictures.
        network: draws; the generator, or the mean of its weights.
        count: fakes each time.
        seed: of their latents.
    """

    def __init__(
        self, every: int, examiner: Examiner, network: nn.Module, count: int, seed: int
    ) -> None:
        self.every, self.examiner, self.network = every, examiner, network
        self.count, self.seed = count, seed

    def due(self, step: int, last: bool) -> bool:
        """Every so many steps and at the end."""
        return last or step % self.every == 0

    def measure(
        self, progress: Progress, x: Tensor, y: Tensor | None, report: Mapping[str, float]
    ) -> dict[str, float]:
        """All figures; none where the generator's numbers are not finite."""
        assert isinstance(self.network, Generator)
        ordered = sampling.spread_labels(self.count, self.network.n_classes)
        try:
            fakes = make_fakes(self.network, self.count, self.seed, ordered)
        except UserError as error:
            log.warning("step %d is not measured: %s", progress.step, error)
            return {}
        return {PREFIX + f.name: f.value for f in self.examiner.examine(fakes, ordered)}

    def choose(self, wanted: str) -> tuple[str, bool] | None:
        """The scalar that the best checkpoint goes by, and whether less of it is better.

        Args:
            wanted: a figure's name, `auto` for the one that says most, or `none`.

        Raises:
            UserError: there will be no such figure.
        """
        if wanted == "none":
            return None
        names = self.examiner.names
        name = headline(names) if wanted == "auto" else wanted
        if name not in names:
            raise UserError(f"evaluation.best={wanted}: not measured here{nearest(wanted, names)}")
        return PREFIX + name, better(name) == "lower"


def refuse_unknown(wanted: str) -> None:
    """Raise UserError where no run at all has the figure that `evaluation.best` names."""
    if wanted not in ("auto", "none") and wanted.removesuffix(CLASSIFIER) not in BETTER:
        raise UserError(f"evaluation.best={wanted}: no such figure{nearest(wanted, BETTER)}")
