"""gan-data: look at images before training on them, resize them, pack them."""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from gan_cli.cli.process import BAD_INPUT, attend
from gan_cli.errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

COMMAND = "gan-data"
VERBS = ("check", "resize", "zip")
PATHS = {"check": "paths", "resize": "path", "zip": "path"}
"""The key that what stands without one is the value of."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    attend(COMMAND, run, arguments)


def run(arguments: list[str]) -> int:
    """Take the arguments and return the exit code."""
    from gan_cli.cli.app import complain, launch

    if {"-sc", "--shell-completion"} & set(arguments):
        return _complete(arguments)
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if verb in ("--help", "-h"):
        print("\n".join(_help()))
        return 0
    try:
        if verb not in VERBS:
            from gan_cli.spelling import nearest

            raise UserError(f"{verb}: no such command{nearest(verb, VERBS)}")
        rest = name_paths(rest, PATHS[verb])
    except UserError as error:
        complain(COMMAND, error)
        return BAD_INPUT
    return launch(f"{COMMAND} {verb}", _job(verb), f"data_{verb}", rest)


def name_paths(arguments: Sequence[str], key: str) -> list[str]:
    """Arguments with what stands alone, `gan-data check PATH ...`, as the value of a key.

    Raises:
        UserError: there are several, and the key takes one.
    """
    from gan_cli.cli.app import split

    options, others = split(arguments)
    paths = [other for other in others if "=" not in other]
    if len(paths) > 1 and key == "path":
        raise UserError(f"{' '.join(paths)}: one path at a time")
    quoted = ["'{}'".format(p.replace("\\", "\\\\").replace("'", "\\'")) for p in paths]
    value = f"[{','.join(quoted)}]" if key == "paths" else "".join(quoted)
    return [*options, *([f"{key}={value}"] if paths else []), *(o for o in others if "=" in o)]


def _job(verb: str) -> "Callable[[DictConfig], object]":
    def run_job(config: "DictConfig") -> object:
        from gan_cli.preparation import rewriting, survey  # torch is imported late

        jobs = {"check": survey.check_images, "resize": rewriting.resize_images}
        return jobs.get(verb, rewriting.zip_images)(config)

    return run_job


def _help() -> list[str]:
    """What the three do, in the words of their YAML."""
    from gan_cli.cli.guide import rows
    from gan_cli.config.comments import read_comments
    from gan_cli.paths import conf_folder

    texts = {verb: read_comments(conf_folder() / f"data_{verb}.yaml") for verb in VERBS}
    examples = [f"  {example}" for text in texts.values() for example in text.examples]
    lines = ["Look at images before training on them, resize them, pack them.", "", *examples, ""]
    lines += [f"usage: {COMMAND} {'|'.join(VERBS)} PATH ... [KEY=VALUE ...]", ""]
    lines += rows({verb: text.first_sentence for verb, text in texts.items()})
    return [*lines, "", f"{COMMAND} check --help lists its keys, and so on."]


def _complete(arguments: list[str]) -> int:
    """Shell completion: of what the line's first word does."""
    from gan_cli.cli.app import launch

    try:
        words = [*shlex.split(os.environ.get("COMP_LINE", "")), "", ""]
    except ValueError:
        words = ["", "", ""]
    if "query=" in arguments[-1] and words[1] not in VERBS:
        print(*(verb for verb in VERBS if verb.startswith(words[1])))
        return 0
    verb = words[1] if words[1] in VERBS else VERBS[0]
    code = launch(COMMAND, _job(verb), f"data_{verb}", arguments)
    sys.stdout.flush()
    return code
