"""gan-compare: runs side by side, on the terminal, as CSV and as a page.

Nothing here imports torch or Hydra: the table is there at once.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from gan_cli.cli.process import BAD_INPUT, FAILED, Stream, attend
from gan_cli.errors import UserError

COMMAND = "gan-compare"
STDOUT = Path("-")
USUAL_TERMINAL = (100, 24)

ABOUT = "Compare runs: what differs in their configs, how good, how fast, how they ended."
EXAMPLES = """\
examples:
  gan-compare outputs/runs/2026-01-31/*
  gan-compare outputs/sweeps/2026-01-31/12-00-00 --sort fd_classifier
  gan-compare outputs/runs --csv runs.csv --html runs.html
  gan-compare outputs/runs --csv - | column -ts,

Figures come from evaluation.json, which gan-evaluate writes, else from what was measured in
training. A value measured from so many fakes says so: (n=1000).
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as the other commands do."""

    def error(self, message: str) -> NoReturn:
        """End with that line."""
        raise UserError(f"{message}; see {COMMAND} --help")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    attend(COMMAND, run, arguments)


def run(arguments: list[str]) -> int:
    """Take the arguments and return the exit code."""
    try:
        write_comparison(arguments)
    except UserError as error:
        for problem in error.problems:
            print(f"{COMMAND}: {problem}", file=sys.stderr)
        return BAD_INPUT
    finally:
        sys.stdout.flush()
    # here the table is all there is to be had; `gan-compare RUN | head` has seen what it wanted
    lost = sys.stdout.lost if isinstance(sys.stdout, Stream) else None
    return 0 if lost is None or isinstance(lost, BrokenPipeError) else FAILED


def write_comparison(arguments: Sequence[str]) -> None:
    """Read the runs, write what is asked for and print the table.

    Raises:
        UserError: a bad option, a folder that cannot be used, an output that cannot be written.
    """
    parser = Parser(
        prog=COMMAND,
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    text = "a run's folder, or one with runs below: a sweep's, a day's"
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help=text)
    text = "write everything that is known, a line a run; - puts it in place of the table"
    parser.add_argument("--csv", metavar="FILE", type=Path, help=text)
    text = "write one page to look at: tables, samples over the steps, curves over each other"
    parser.add_argument("--html", metavar="FILE", type=Path, help=text)
    text = "order the runs by a column, the best first; by default they stay as given"
    parser.add_argument("--sort", metavar="COLUMN", help=text)
    chosen = parser.parse_args(arguments)

    from gan_cli.comparison.columns import build_table
    from gan_cli.comparison.files import to_csv, write
    from gan_cli.comparison.folders import find_runs, short_names
    from gan_cli.comparison.page import to_page
    from gan_cli.comparison.records import read_record
    from gan_cli.comparison.terminal import render

    folders = find_runs(chosen.runs)
    names = short_names(folders)
    records = [read_record(folder, name) for folder, name in zip(folders, names, strict=True)]
    table = build_table(records)
    if chosen.sort is not None:
        table = table.sort(chosen.sort)
    piped = chosen.csv == STDOUT
    width = shutil.get_terminal_size(USUAL_TERMINAL).columns
    text = to_csv(table).rstrip("\n") if piped else render(table, width)
    notes = []
    if chosen.csv and not piped:
        write(chosen.csv, "--csv", to_csv(table))
        notes.append(f"written to {chosen.csv}")
    if chosen.html:
        write(chosen.html, "--html", to_page(table, records))
        notes.append(f"written to {chosen.html}")
    if not piped:  # else nothing but the CSV
        text = "\n\n".join([text, *notes])
    known = sys.stdout.encoding or "utf-8"
    print(text.encode(known, errors="replace").decode(known))
