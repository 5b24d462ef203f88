"""What TensorBoard is given to read, and what it shows first."""

import resource
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from gan_cli.runs.outputs import board_folder, sweep_label
from gan_cli.sinks.events import new_event_file
from gan_cli.sinks.tensorboard import FIRST, ORDER, TensorBoard, by_merit
from tests.sinks.fake_runs import a_run

REPORT = {
    "loss/D/adversarial": 1.0,
    "metric/kid": 2.0,
    "metric/fid": 3.0,
    "grad_norm/D": 1.0,
    "lr/D": 0.1,
    "step": 4.0,
}


@pytest.fixture
def events(tmp_path: Path) -> EventAccumulator:
    """Of a run that is one of a sweep over `optimizer.lr`."""
    shown = {"optimizer.lr": 0.1, "loss": "hinge", "n": 3, "deep": True}
    board = TensorBoard(tmp_path, 0, "seed: 0", shown, swept=["optimizer.lr"])
    board.show(FIRST, torch.zeros(3, 2, 2, dtype=torch.uint8), 0)
    run = a_run(4, REPORT)
    board.write(run)
    board.finish(run)
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    return found


def hparams(events: EventAccumulator, tag: str) -> HParamsPluginData:
    content = events.SummaryMetadata(f"_hparams_/{tag}").plugin_data.content
    return HParamsPluginData.FromString(content)


def test_samples_come_before_all_curves(events: EventAccumulator) -> None:
    """Both pages go by the tags' names."""
    tags = events.Tags()
    assert min([*tags["images"], *tags["scalars"]]) == FIRST
    assert min(ORDER) > FIRST


def test_swept_keys_are_ticked(events: EventAccumulator) -> None:
    """TensorBoard ticks those that differ first."""
    experiment = hparams(events, "experiment").experiment
    assert {p.name: p.differs for p in experiment.hparam_infos} == {
        **{"optimizer.lr": True, "loss": False, "n": False, "deep": False},
    }
    values = hparams(events, "session_start_info").session_start_info.hparams
    assert values["optimizer.lr"].number_value == 0.1
    assert values["loss"].string_value == "hinge"


def test_figures_of_merit_come_first(events: EventAccumulator) -> None:
    columns = [m.name.tag for m in hparams(events, "experiment").experiment.metric_infos]
    assert columns == ["metric/fid", "metric/kid", "loss/D/adversarial", "grad_norm/D", "lr/D"]


def test_where_nothing_was_measured_losses_come_first() -> None:
    assert by_merit(["lr/G", "loss/G/adversarial", "own/x"]) == [
        *("loss/G/adversarial", "lr/G", "own/x"),
    ]


def test_what_is_one_thing_of_all_players_is_one_chart(events: EventAccumulator) -> None:
    (event,) = events.Tensors("custom_scalars__config__")
    layout = Layout.FromString(event.tensor_proto.string_val[0])
    (category,) = layout.category
    charts = {chart.title: list(chart.multiline.tag) for chart in category.chart}
    assert charts["losses"] == ["loss/.*"]
    assert charts["scores of D"] == ["score/.*"]


def test_a_run_of_a_sweep_is_called_by_what_was_swept(tmp_path: Path) -> None:
    shown = {"model": "wgan", "optimizer.lr": 0.1, "tricks": "r1, ema", "seed": 3}
    swept = ["model", "optimizer.lr", "tricks", "gone"]
    label = sweep_label("wgan-digits", shown, swept)
    assert label == "wgan-digits lr=0.1 tricks=r1, ema"
    assert board_folder(tmp_path, label) == tmp_path / label
    assert board_folder(tmp_path, "a/../b:c") == tmp_path / "a_.._b_c"
    assert sweep_label("wgan-digits", shown, []) == ""
    assert board_folder(tmp_path, "") == tmp_path


def test_a_resumed_run_keeps_its_name(tmp_path: Path) -> None:
    played(tmp_path / "lr=1", 0, {1: 1.0})
    assert board_folder(tmp_path, "lr=2") == tmp_path / "lr=1"
    assert board_folder(tmp_path / "lr=1", "lr=2") == tmp_path / "lr=1"


def seen(folder: Path, name: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(e.step, e.value) for e in events.Scalars(name)]


def played(folder: Path, start: int, values: dict[int, float]) -> None:
    board = TensorBoard(folder, start, "", {"seed": 0})
    for step, value in values.items():
        board.offer(a_run(step, {"loss/D": value}), last=False)
    board.close(a_run(max(values)))


def test_a_clock_that_was_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in the order of their names: the later part's comes last all the same."""
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    played(tmp_path, 0, {1: 1.0, 2: 2.0, 3: 3.0})
    monkeypatch.setattr("time.time", lambda: 1_000_000_000.0)
    played(tmp_path, 2, {3: 30.0, 4: 40.0})
    assert seen(tmp_path, "loss/D") == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split(".")[3] for name in names] == ["2000000000", "2000000001"]


def test_names_of_others_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.mine").touch()
    assert new_event_file(tmp_path).name.count(".") >= 4


def test_a_file_that_cannot_grow_holds_whole_events(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What does not fit is left out whole and said once; what comes later still fits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    board = TensorBoard(tmp_path, 0, "", {})
    board.offer(a_run(1, {"loss/D": 1.0}), last=False)
    (file,) = tmp_path.iterdir()
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 1024, hard))
    try:
        for step in (2, 3):
            board.show("samples", torch.randint(256, (3, 64, 64), dtype=torch.uint8), step)
        board.offer(a_run(4, {"loss/D": 4.0}), last=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    board.close(a_run(4))
    assert [r.message.partition(":")[0] for r in caplog.records] == [
        "TensorBoard cannot be written, going on without"
    ]
    assert seen(tmp_path, "loss/D") == [(1, 1.0), (4, 4.0)]


def test_a_folder_that_cannot_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    played(tmp_path / "file", 0, {1: 1.0, 2: 2.0})
    assert len(caplog.records) == 1
