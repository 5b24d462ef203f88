"""Loggers, offline: what a run sends, and that it goes on as the same run."""

import importlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from PIL import Image

from gan_cli.config.checkpointed import relink
from gan_cli.errors import UserError
from gan_cli.sinks import loggers
from gan_cli.sinks.loggers import Follower, Logger, Opening
from tests.conftest import NARROW, TINY, Command
from tests.settings import composed
from tests.sinks.fake_runs import a_run

RUN = [*TINY, *NARROW, "trainer.sample_every=2", "trainer.health=false"]


def opening(folder: Path, step: int = 0, sample_every: int = 2) -> Opening:
    folder.mkdir(exist_ok=True)
    return Opening(folder, "a-run", step, sample_every, {"seed": 3}, {"seed": 3})


class Recorder(Follower):
    """Notes what it is given."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self.got: list[tuple[Any, ...]] = []

    def log_scalars(self, report: Any, step: int) -> None:
        self.got.append(("scalars", dict(report), step))

    def log_picture(self, tag: str, path: Path, step: int) -> None:
        self.got.append(("picture", tag, path.name, step))

    def log_film(self, tag: str, path: Path, step: int) -> None:
        self.got.append(("film", tag, step))

    def end(self, run: Any) -> None:
        self.got.append(("end", run.outcome))


class Noting(Logger):
    """A logger of one's own."""

    runs: ClassVar[list[Recorder]] = []

    def open(self, opening: Opening) -> Recorder:
        self.runs.append(Recorder(opening))
        return self.runs[-1]


def test_a_logger_of_ones_own(gan_train: Command) -> None:
    result = gan_train(*RUN, f"+logger.mine._target_={__name__}.Noting")
    assert result.code == 0, result.err
    (sink,) = importlib.import_module(__name__).Noting.runs
    kinds = {got[:2] if got[0] == "picture" else got[0] for got in sink.got}
    assert {"scalars", "film", "end", ("picture", "samples"), ("picture", "curves")} <= kinds


def write_picture(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


def test_what_the_other_sinks_have_left_is_followed(tmp_path: Path) -> None:
    write_picture(tmp_path / "neighbours.png")  # of an earlier part of the run
    sink = Recorder(opening(tmp_path))
    sink.offer(a_run(1), last=False)
    assert sink.got == []
    write_picture(tmp_path / "samples" / "step-00000002.png")
    write_picture(tmp_path / "interpolation.png")
    sink.offer(a_run(2, {"loss/D/adversarial": 1.5}), last=False)
    assert sink.got == [
        ("scalars", {"loss/D/adversarial": 1.5}, 2),
        ("picture", "samples", "step-00000002.png", 2),
        ("picture", "samples/interpolation", "interpolation.png", 2),
    ]
    sink.got.clear()
    sink.offer(a_run(4), last=False)  # nothing new
    assert sink.got == []
    time.sleep(0.01)
    write_picture(tmp_path / "interpolation.png")
    sink.offer(a_run(5, {"score/real": 1.0}), last=True)
    write_picture(tmp_path / "curves.png")
    (tmp_path / "training.gif").write_bytes(b"gif")
    run = a_run(5)
    run.outcome = "finished"
    sink.close(run)
    assert sink.got == [
        ("scalars", {"score/real": 1.0}, 5),
        ("picture", "samples/interpolation", "interpolation.png", 5),
        ("picture", "curves", "curves.png", 5),
        ("film", "samples/training", 5),
        ("end", "finished"),
    ]


def test_a_place_that_cannot_be_reached_costs_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(self: Recorder, *given: Any) -> None:
        raise RuntimeError("no connection\nat all")

    monkeypatch.setattr(Recorder, "log_scalars", lost)
    monkeypatch.setattr(Recorder, "end", lost)
    sink = Recorder(opening(tmp_path))
    with caplog.at_level(logging.WARNING):
        for step in (2, 4):
            sink.offer(a_run(step, {"loss/D/adversarial": 1.5}), last=False)
        sink.close(a_run(4))
    assert [record.getMessage() for record in caplog.records] == [
        "Recorder cannot be written, going on without: no connection"
    ]


def test_names_that_were_noted(tmp_path: Path) -> None:
    first = opening(tmp_path)
    assert first.known_id("wandb") is None
    first.remember("wandb", "abc")
    first.remember("mlflow", "def")
    assert opening(tmp_path).known_id("wandb") == "abc"
    assert opening(tmp_path).known_id("mlflow") == "def"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"wandb": 3}', '{"wandb": "../"}', "[" * 9999])
def test_notes_of_a_stranger(tmp_path: Path, content: str) -> None:
    (tmp_path / "loggers.json").write_text(content)
    assert opening(tmp_path).known_id("wandb") is None


@pytest.mark.parametrize(("name", "module"), [("wandb", "wandb"), ("mlflow", "mlflow")])
def test_a_missing_package_is_said_before_anything_is_read(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    find = loggers.importlib.util.find_spec
    monkeypatch.setattr(
        loggers.importlib.util, "find_spec", lambda n: None if n == module else find(n)
    )
    result = gan_train(f"logger={name}", "data=mnist", "data.root=nowhere")
    assert result.code == 2
    assert result.problems == [
        f"gan-train: logger={name}: needs the package {module}; pip install 'gan-cli[{name}]', "
        f"or leave {name} out of logger="
    ]
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["logger=wandb", "logger.wandb.mode=of"], "logger.wandb.mode='of': should be 'online' or"),
        (["logger=wnadb"], "logger=wnadb: no such logger; did you mean wandb?"),
        (["logger.wandb.project=x"], "wandb is not chosen; add 'logger=[tensorboard,wandb]'"),
        (["logger.tensorboard._target_=gan_cli.games.losses.Hinge"], "is not a Logger"),
    ],
)
def test_mistakes(gan_train: Command, arguments: list[str], said: str) -> None:
    result = gan_train(*arguments)
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert said in result.problems[0]


def test_no_logger_at_all(gan_train: Command) -> None:
    result = gan_train(*RUN, "logger=[]")
    assert result.code == 0, result.err
    assert (result.folder / "samples" / "step-00000004.png").exists()
    assert (result.folder / "training.gif").exists()
    assert not (result.folder / "tensorboard").exists()
    assert gan_train("resume=run", "trainer.steps=5").code == 0
    assert not (result.folder / "tensorboard").exists()


def test_tensorboard_is_the_default() -> None:
    assert dict(composed().logger) == dict(composed("logger=tensorboard").logger)
    assert list(composed("logger=[wandb,tensorboard]").logger) == ["wandb", "tensorboard"]


class FakeWandb:
    """What is called of wandb."""

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.ended: list[int] = []

    def init(self, **given: Any) -> Any:
        self.begun.append(given)
        return SimpleNamespace(
            define_metric=lambda *a, **k: None,
            log=self.rows.append,
            summary={},
            finish=lambda exit_code: self.ended.append(exit_code),
        )

    def Settings(self, **given: Any) -> Any:  # noqa: N802
        return given

    def Image(self, path: str) -> str:  # noqa: N802
        return Path(path).name

    def Video(self, path: str, format: str) -> str:  # noqa: N802
        return Path(path).name


@pytest.fixture
def fake_wandb(monkeypatch: pytest.MonkeyPatch) -> FakeWandb:
    fake = FakeWandb()
    monkeypatch.setitem(__import__("sys").modules, "wandb", fake)
    monkeypatch.setattr("gan_cli.sinks.weights_and_biases.require_package", lambda *a: None)
    return fake


def test_a_resumed_run_is_the_same_run(gan_train: Command, fake_wandb: FakeWandb) -> None:
    both = ["logger=[tensorboard,wandb]", "logger.wandb.project=p"]
    first = gan_train(*RUN, *both)
    assert first.code == 0, first.err
    assert gan_train("resume=run", "trainer.steps=6").code == 0
    begun, again = fake_wandb.begun
    assert begun["id"] == again["id"] == json.loads(Path("run/loggers.json").read_text())["wandb"]
    assert (begun["project"], begun["mode"], begun["resume"]) == ("p", None, None)
    assert begun["name"] == "cgan_dcgan_r1-digits"
    assert begun["config"]["data"]["batch_size"] == 16
    assert fake_wandb.ended == [0, 0]
    steps = [row["step"] for row in fake_wandb.rows if "loss/D/adversarial" in row]
    assert steps == [2, 4, 6]
    grids = [row["samples"] for row in fake_wandb.rows if "samples" in row]
    assert grids == ["step-00000002.png", "step-00000004.png", "step-00000006.png"]
    assert {"samples/real_and_fake", "samples/training", "curves"} <= set().union(*fake_wandb.rows)


def test_a_checkpoint_sends_a_run_nowhere(gan_train: Command, fake_wandb: FakeWandb) -> None:
    """Only who types it does."""
    typed = "logger=[tensorboard,wandb]"
    given = [*RUN, "hydra.run.dir=run", "resume=auto"]
    assert gan_train(*given, typed, "logger.wandb.mode=online").code == 0
    again = gan_train("resume=run", "trainer.steps=5")
    assert "logger.wandb.mode was online and is offline from here on" in again.out
    assert gan_train("resume=run", "trainer.steps=6", "logger.wandb.mode=online").code == 0
    assert [begun["mode"] for begun in fake_wandb.begun] == ["online", "offline", "online"]


def test_typing_the_loggers_again_sends_it_where_it_went(
    gan_train: Command, fake_wandb: FakeWandb
) -> None:
    given = [*RUN, "hydra.run.dir=run", "resume=auto", "logger=[tensorboard,wandb]"]
    for steps in (4, 6):
        assert gan_train(*given, "logger.wandb.mode=online", f"trainer.steps={steps}").code == 0
    assert gan_train(*given, "trainer.steps=8").code == 0
    assert [begun["mode"] for begun in fake_wandb.begun] == ["online"] * 3
    assert fake_wandb.begun[-1]["resume"] == "allow"


def test_who_is_not_logged_in_is_told(
    gan_train: Command, fake_wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**given: Any) -> None:
        raise RuntimeError("No API key configured.\nUse `wandb login`.")

    monkeypatch.setattr(fake_wandb, "init", refuse)
    result = gan_train(*RUN, "logger=wandb")
    assert result.code == 2
    assert result.problems == [
        "gan-train: logger.wandb: No API key configured; see that `wandb login` works, or set "
        "logger.wandb.mode=offline"
    ]


def relinked(logger: dict[str, Any] | None) -> Any:
    config = {"name": "run", **({} if logger is None else {"logger": logger})}
    return relink(config, {}).logger


def test_a_config_from_before_there_was_a_choice() -> None:
    assert list(relinked(None)) == ["tensorboard"]


@pytest.mark.parametrize("damaged", [3, "x", [1], {"a": 3}, {"a": {"_target_": 5}}])
def test_a_damaged_choice_is_refused_elsewhere(damaged: Any) -> None:
    assert relinked(damaged) == damaged


def test_a_stranger_s_loggers_stay_at_home() -> None:
    found = relinked(
        {
            "w": {"_target_": "gan_cli.sinks.weights_and_biases.WeightsAndBiases"},
            "m": {
                "_target_": "gan_cli.sinks.mlflow_store.MLflow",
                "tracking_uri": "http://elsewhere",
            },
        }
    )
    assert found.w.mode == "offline"
    assert found.m.tracking_uri is None


def test_wandb_itself_offline(gan_train: Command) -> None:
    pytest.importorskip("wandb")
    given = [*RUN, "logger=[tensorboard,wandb]", "logger.wandb.mode=offline"]
    assert gan_train(*given).code == 0
    assert gan_train("resume=run", "trainer.steps=5").code == 0
    name = json.loads(Path("run/loggers.json").read_text())["wandb"]
    runs = sorted(Path("run/wandb").glob(f"offline-run-*-{name}"))
    assert runs
    images = [path.name for path in Path("run/wandb").rglob("files/media/images/**/*.png")]
    assert sum(image.startswith("samples_") for image in images) == 3
    assert any(image.startswith("real_and_fake_") for image in images)
    assert list(Path("run/wandb").rglob("files/media/videos/samples/training_*.gif"))
    assert any(run.glob("*.wandb") for run in runs)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A client of an MLflow store that lies in a folder."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return lambda folder: mlflow.MlflowClient(tracking_uri=Path(folder).absolute().as_uri())


def test_mlflow_itself_in_the_run_s_folder(gan_train: Command, store: Callable[[str], Any]) -> None:
    assert gan_train(*RUN, "logger=[tensorboard,mlflow]", "optimizer.lr=1e-4").code == 0
    assert gan_train("resume=run", "trainer.steps=6").code == 0
    client = store("run/mlruns")
    name = json.loads(Path("run/loggers.json").read_text())["mlflow"]
    (run,) = client.search_runs([client.get_experiment_by_name("gan-cli").experiment_id])
    assert run.info.run_id == name
    assert run.info.run_name == "cgan_dcgan_r1-digits"
    assert run.info.status == "FINISHED"
    assert run.data.params["optimizer.lr"] == "0.0001"
    losses = client.get_metric_history(name, "loss/D/adversarial")
    assert [loss.step for loss in losses] == [2, 4, 6]
    logged = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert [loss.value for loss in losses] == [line["loss/D/adversarial"] for line in logged]
    files = {file.path for file in client.list_artifacts(name)}
    assert {"config.yaml", "training.gif", "images"} <= files
    images = [file.path for file in client.list_artifacts(name, "images")]
    assert any("samples+step+2+" in image for image in images)
    assert any("samples~real_and_fake+step+6+" in image for image in images)


def test_mlflow_of_ones_own_store(gan_train: Command, store: Callable[[str], Any]) -> None:
    uri = Path("shared").absolute().as_uri()
    given = ["logger=mlflow", f"logger.mlflow.tracking_uri={uri}", "trainer.sample_every=0"]
    for seed in (0, 1):
        assert gan_train(*RUN, *given, f"seed={seed}", f"hydra.run.dir=run{seed}").code == 0
    client = store("shared")
    runs = client.search_runs([client.get_experiment_by_name("gan-cli").experiment_id])
    assert {run.data.params["seed"] for run in runs} == {"0", "1"}
    assert not Path("run0/mlruns").exists()
    result = gan_train(*RUN, "logger=mlflow", "logger.mlflow.tracking_uri=nonsense://x")
    assert result.code == 2
    assert "gan-train: logger.mlflow: " in result.problems[0]
    assert len(result.problems) == 1


def test_a_package_that_is_not_there() -> None:
    with pytest.raises(UserError, match="needs the package nowhere_to_be_found"):
        loggers.require_package("nowhere_to_be_found", "x")
