"""gan-compare: runs side by side, on the terminal, as CSV and as a page.

Nothing here imports torch or Hydra: the table is there at once.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from gan_cli.errors import UserError

COMMAND = "gan-compare"
BAD_INPUT, INTERRUPTED = 2, 130
USUAL_TERMINAL = (100, 24)

ABOUT = "Compare runs: what differs in their configs, how good, how fast, how they ended."
EXAMPLES = """\
examples:
  gan-compare outputs/runs/2026-01-31/*
  gan-compare outputs/sweeps/2026-01-31/12-00-00 --sort loss/G/adversarial
  gan-compare outputs/runs --csv runs.csv --html runs.html

Figures come from evaluation.json, which gan-evaluate writes, else from what was measured in
training. A value measured from so many fakes says so: (n=1000).
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as the other commands do."""

    def error(self, message: str) -> NoReturn:
        """End with that line."""
        raise UserError(f"{message}; see {COMMAND} --help")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    try:
        try:
            compare(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            sys.stdout.flush()  # here, where a closed pipe can still be caught
    except UserError as error:
        for problem in error.problems:
            print(f"{COMMAND}: {problem}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:  # `gan-compare RUN | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(0)


def compare(arguments: Sequence[str]) -> None:
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
    text = "write everything that is known, a line a run"
    parser.add_argument("--csv", metavar="FILE", type=Path, help=text)
    text = "write one page with the tables, the sample grids side by side, curves and films"
    parser.add_argument("--html", metavar="FILE", type=Path, help=text)
    text = "order the runs by a column, lowest first; by default they stay as given"
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
    text = render(table, shutil.get_terminal_size(USUAL_TERMINAL).columns)
    if chosen.csv:
        write(chosen.csv, "--csv", to_csv(table))
        text += f"\n\nwritten to {chosen.csv}"
    if chosen.html:
        write(chosen.html, "--html", to_page(table, records))
        text += f"\n\nwritten to {chosen.html}"
    known = sys.stdout.encoding or "utf-8"
    print(text.encode(known, errors="replace").decode(known))
