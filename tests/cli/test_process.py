"""Signals at any time, streams that go away, what is found where."""

import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.commands import SHORT, command, environment, run, snapshot
from tests.conftest import REPOSITORY, narrow
from tests.data.image_files import write_image

RUN = ["hydra.run.dir=run"]
slow = pytest.mark.slow
"""Of several alike: a process that trains takes five seconds."""


def run_script(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Python that begins the short run in its own way, as a process in a folder."""
    return subprocess.run(
        [sys.executable, "-c", script, *SHORT, *RUN],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


# Sends itself a signal the first time the module is looked for: at a known place of the start-up.
AT_IMPORT = """
import os, signal, sys
from gan_cli.cli.train import main
class Signaller:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Signaller())
main()
"""


@pytest.mark.parametrize(
    ("name", "code", "module"),
    [
        *(("SIGTERM", 143, module) for module in ("hydra", "torch")),
        *(("SIGINT", 130, module) for module in ("hydra", "torch")),
        ("SIGUSR1", 0, "torch"),
        pytest.param("SIGUSR1", 0, "hydra", marks=slow),
    ],
)
def test_a_signal_while_starting(tmp_path: Path, module: str, name: str, code: int) -> None:
    """It ends cleanly, or, asked to save where there is nothing to save, goes on."""
    script = AT_IMPORT.format(module=module, number=int(signal.Signals[name]))
    done = run_script(script, tmp_path)
    assert done.returncode == code, done.stderr
    if code:
        shown = name.replace("SIGINT", "Ctrl-C")
        assert done.stderr.splitlines() == [f"gan-train: stopped by {shown}"]
        assert snapshot(tmp_path) == {}
    else:
        assert (tmp_path / "run" / "summary.json").is_file()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=slow)])
def test_a_signal_while_closing(tmp_path: Path, number: signal.Signals) -> None:
    """Everything is closed first, then the exit code tells."""
    script = (
        "import os, signal\n"
        "from gan_cli.sinks.curves import Curves\n"
        "before = Curves.close\n"
        "def close(self, run):\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    before(self, run)\n"
        "Curves.close = close\n"
        "from gan_cli.cli.train import main\n"
        "main()\n"
    )
    done = run_script(script, tmp_path)
    assert done.returncode == (143 if number == signal.SIGTERM else 130), done.stderr
    assert done.stderr.splitlines()[-1] == "resume with: gan-train resume=run"
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"summary.json", "curves.png", "tensorboard", "checkpoints"} <= left


# Sends itself a second signal when the command has said its last word.
AT_EXIT = """
import atexit, os, signal
from gan_cli.cli.process import attend, Stopped
class Last:
    def __del__(self):
        os.kill(os.getpid(), {number})
def body(arguments):
    if {where!r} == "exit":
        atexit.register(os.kill, os.getpid(), {number})
    else:
        import sys
        sys.modules["last"] = Last()  # goes as the interpreter takes its modules apart
    raise Stopped("SIGINT")
attend("gan-train", body, None)
"""


@pytest.mark.parametrize("where", ["exit", "teardown"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_what_is_leaving(number: signal.Signals, where: str) -> None:
    """The exit code stays that of the first."""
    script = AT_EXIT.format(number=int(number), where=where)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "gan-train: stopped by Ctrl-C\n")


def finished(folder: Path) -> bool:
    return "finished after 4 steps" in (folder / "run" / "train.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("stream", ["stdout", pytest.param("stderr", marks=slow)])
def test_a_stream_that_is_full(tmp_path: Path, stream: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = run("train", *SHORT, *RUN, cwd=tmp_path, **{stream: full})
    assert done.returncode == 0, done.stderr
    assert finished(tmp_path)
    if stream == "stdout":
        assert done.stderr == "stdout: No space left on device; going on without it\n"


@pytest.mark.parametrize(
    "closed", [">&-", pytest.param("2>&-", marks=slow), pytest.param("<&- >&- 2>&-", marks=slow)]
)
def test_a_stream_that_is_closed(tmp_path: Path, closed: str) -> None:
    """No file of the run takes its number, for messages to land in."""
    line = " ".join(["exec", '"$@"', closed])
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command("train", *SHORT, *RUN)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert finished(tmp_path)
    assert ("stdout is closed" in done.stderr) == (closed == ">&-")


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = run("train", *SHORT, *RUN, cwd=tmp_path, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
    assert finished(tmp_path)


def test_help_into_a_closed_pipe(tmp_path: Path) -> None:
    for name in ("train", "sample", "evaluate", "compare"):
        read, write = os.pipe()
        os.close(read)
        done = run(name, "--help", cwd=tmp_path, stdout=write)
        os.close(write)
        assert (done.returncode, done.stderr) == (0, ""), name


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_table_that_cannot_be_printed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "summary.json").write_text('{"step": 1, "reason": "finished"}')
    (tmp_path / "run" / "config.yaml").write_text("name: x\n")
    assert run("compare", "run", cwd=tmp_path).returncode == 0
    with Path("/dev/full").open("w") as full:
        done = run("compare", "run", cwd=tmp_path, stdout=full)
    assert done.returncode == 1
    assert "No space left" in done.stderr


@pytest.mark.parametrize("name", ["train", "compare"])
def test_the_version(tmp_path: Path, name: str) -> None:
    done = run(name, "--version", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"gan-cli {version('gan-cli')} (torch {version('torch')})\n"


def test_it_is_a_module_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gan_cli", "trainer.stesp=5"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "gan-train: trainer.stesp: no such key; did you mean steps?\n"


OWN_LOSS = """
from gan_cli.games.losses import Hinge
print("imported")
class Mine(Hinge): pass
"""


def installed(name: str) -> list[str]:
    """As pip's scripts do it: sys.path begins with the script's folder, not the working one."""
    script = f"import sys; sys.path[0] = '/'; from gan_cli.cli.{name} import main; main()"
    return [sys.executable, "-c", script]


@slow
def test_packages_of_the_working_directory(tmp_path: Path) -> None:
    """They are found, last, and what a checkpoint names needs trust all the same."""
    (tmp_path / "mypkg").mkdir()
    (tmp_path / "mypkg" / "losses.py").write_text(OWN_LOSS)
    (tmp_path / "random.py").write_text("raise SystemExit('this is not the standard library')")

    def call(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*installed(name), *arguments],
            cwd=tmp_path,
            env=environment(PYTHONPATH=str(REPOSITORY)),
            capture_output=True,
            text=True,
            check=False,
        )

    done = call("train", *SHORT, *RUN, "loss._target_=mypkg.losses.Mine")
    assert done.returncode == 0, done.stderr
    refused = call("train", "resume=run", "trainer.steps=6")
    assert refused.returncode == 2
    assert "imported" not in refused.stdout
    trusted = call("train", "resume=run", "trainer.steps=6", "trust=[mypkg]")
    assert trusted.returncode == 0, trusted.stderr
    refused = call("sample", "checkpoint=run")
    assert "imported" not in refused.stdout


def test_a_log_of_names_that_are_not_utf_8(tmp_path: Path) -> None:
    """They come out with their odd bytes spelled out, on the screen and in the file."""
    folder = os.fsencode(tmp_path) + b"/images"
    os.mkdir(folder)
    for number in range(4):
        write_image(tmp_path / "images" / f"{number}.png", seed=number)
    with open(folder + b"/bad\xff.png", "wb") as file:
        file.write(b"no image")
    images = ["data=folder", "data.root=images", "data.image_size=8", "data.on_corrupt=skip"]
    small = ["model=vanilla", *narrow("vanilla"), "data.batch_size=2", "trainer.steps=1"]
    done = run("train", *images, *small, *RUN, "trainer.sample_every=0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in (done.stdout, (tmp_path / "run" / "train.log").read_text()):
        assert "skipping images/bad\\udcff.png (not an image)" in text


# Says which of some modules are there when the first step begins, and stops.
AT_FIRST_STEP = """
import sys
from gan_cli.cli.train import main
from gan_cli.engine import trainer
step = trainer.Trainer.play
def play(self):
    there = step(self) and {modules!r} & sys.modules.keys()
    print("THERE", sorted(there), flush=True)
    sys.exit(0)
trainer.Trainer.play = play
main()
"""


def test_the_first_step_waits_for_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    """Each of these takes from half a second to two."""
    modules = {"torch._dynamo", "sympy", "torchvision", "tensorboard", "matplotlib", "scipy"}
    script = AT_FIRST_STEP.format(modules=modules)
    done = run_script(script, tmp_path)
    assert "THERE []" in done.stdout, done.stdout + done.stderr
