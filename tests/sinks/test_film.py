"""training.gif in a run's folder."""

from pathlib import Path

import torch

from gan_cli.sinks.film import Film
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.viz.images import save_png


def test_grids_a_resumed_run_never_saw_are_deleted(tmp_path: Path) -> None:
    """Like lines of metrics.jsonl: they belong to a part of the run that was given up."""
    names = ["step-00000002.png", "step-00000004.png", "step-00000006.png"]
    for name in [*names, "step-mine.png", "step-00000006.jpg"]:
        save_png(torch.zeros(3, 2, 2, dtype=torch.uint8), tmp_path / name)
    board = TensorBoard(tmp_path / "board", 0, "", {})
    Film(tmp_path / "training.gif", tmp_path, 4, board)
    left = {p.name for p in tmp_path.glob("step-*")}
    assert left == {*names[:2], "step-mine.png", "step-00000006.jpg"}
