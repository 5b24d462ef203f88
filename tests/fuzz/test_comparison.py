"""Run folders as anybody may have made them, and options as anybody may give them: gan-compare."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.comparison.run_folders import add_grid, config, evaluation, summary, write_run
from tests.conftest import Command
from tests.fuzz.changes import BEYOND, WORDS, changed, damaged, values
from tests.fuzz.conftest import CALM, few, survives

pytestmark = CALM

REPORT = {"step": 2, "images": 32, "seconds": 0.5, "loss/D/adversarial": 1.5, "metric/fid": 3.0}
odd = st.one_of(values, st.sampled_from([*BEYOND, 10**400]))

files = st.fixed_dictionaries(
    {},
    optional={
        "config.yaml": changed(config(), odd).map(yaml.safe_dump),
        "summary.json": changed(summary(), odd).map(json.dumps),
        "evaluation.json": changed(evaluation(fid=3.0, kid=0.1), odd).map(json.dumps),
        "metrics.jsonl": changed([REPORT, REPORT], odd).map(
            lambda lines: (
                "".join(json.dumps(x) + "\n" for x in (lines if lines else []))
                if isinstance(lines, list)
                else json.dumps(lines)
            )
        ),
        ".hydra/overrides.yaml": changed(["seed=0", "+model.width=8"], odd).map(yaml.safe_dump),
    },
)
PLACES = [
    *("config.yaml", "summary.json", "evaluation.json", "metrics.jsonl", ".hydra/overrides.yaml"),
    *("samples/step-00000100.png", "curves.png", "samples", ".hydra"),
]
COLUMNS = ["run", "fid", "loss/D/adversarial", "optimizer.lr", "step", *WORDS]


def spoil(path: Path, how: str) -> None:
    """Put something else where a file or a folder of files would be."""
    if path.is_dir():
        for inner in path.iterdir():
            inner.unlink()
        path.rmdir()
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    match how:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path.name)
        case "empty":
            path.touch()


@few(30)
@given(
    texts=files,
    spoilt=st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["folder", "pipe", "loop", "empty"])),
        max_size=1,
    ),
    damage=st.none() | st.tuples(st.sampled_from(PLACES[:5]), damaged(b'{"a": [1, 2.5, "x"]}\n')),
    name=st.sampled_from(
        ["odd", *(w for w in WORDS if w.strip("./ ") and "/" not in w and len(w) < 99)]
    ),
    options=st.fixed_dictionaries(
        {},
        optional={
            "--sort": st.sampled_from(COLUMNS),
            "--csv": st.sampled_from(["a.csv", "new/a.csv", "", ".", "odd", "x" * 300]),
            "--html": st.sampled_from(["a.html", "new/a.html", "", ".", "é\u202e.html"]),
        },
    ),
)
def test_no_run_folder_breaks_the_table(
    texts: dict[str, str],
    spoilt: list[tuple[str, str]],
    damage: tuple[str, bytes] | None,
    name: str,
    options: dict[str, str],
    gan_compare: Command,
    room: Callable[[], Path],
) -> None:
    here = room()
    run = write_run(here / name, reports=[REPORT], summary=summary(), chosen=[])
    write_run(here / "good", summary=summary(), evaluation=evaluation(fid=2.0))
    add_grid(run, 100)
    for file, text in texts.items():
        (run / file).write_text(text, errors="surrogatepass")
    if damage:
        (run / damage[0]).write_bytes(damage[1])
    for file, how in spoilt:
        spoil(run / file, how)
    given = [word for pair in options.items() for word in pair]
    survives(gan_compare, "--", str(run), str(here / "good")) if not given else survives(
        gan_compare, str(run), str(here / "good"), *given
    )
