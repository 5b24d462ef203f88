"""Options that ask instead of running, such as `--help`, and options that nobody knows."""

import os
from collections.abc import Sequence
from pathlib import Path

from gan_cli.cli.composed import compose_for, groups_in
from gan_cli.cli.guide import help_lines, list_lines
from gan_cli.cli.habits import SIMILAR, meant
from gan_cli.errors import UserError
from gan_cli.spelling import nearest

ASKING = ("--help", "-h", "--list", "--explain")
HYDRAS = (
    *("--hydra-help", "-hh", "--version", "--cfg", "-c", "--resolve", "--package", "-p"),
    *("--run", "-r", "--multirun", "-m", "--shell-completion", "-sc", "--config-path", "-cp"),
    *("--config-name", "-cn", "--config-dir", "-cd", "--experimental-rerun", "--info", "-i"),
)


def asks(arguments: Sequence[str]) -> bool:
    """Whether nothing is to be run."""
    return any(argument.partition("=")[0] in ASKING for argument in arguments)


def answer(
    command: str,
    config_name: str,
    folders: Sequence[Path],
    options: Sequence[str],
    overrides: Sequence[str],
) -> list[str] | None:
    """The lines that answer an option which asks; None where none does.

    Args:
        command: the name it is called by.
        config_name: its primary config.
        folders: with YAML, the primary config's first.
        options: with their values.
        overrides: as typed.

    Raises:
        UserError: an option is not known, or what is asked after is not there.
        HydraException, OmegaConfBaseException: what was typed does not compose.
    """
    if {"-sc", "--shell-completion"} & set(options) and overrides[:1] and "query=" in overrides[0]:
        from gan_cli.cli.completion import complete

        shell = overrides[0].partition("=")[2]
        return [complete(shell, config_name, folders, os.environ.get("COMP_LINE", ""))]
    _refuse_unknown(command, config_name, folders, options)
    given = dict(zip(options, [*options[1:], ""], strict=False))
    inline = {name: value for name, _, value in (o.partition("=") for o in options) if value}
    if "--list" in {**given, **inline}:
        if config_name != "train":
            raise UserError(f"--list: {command} has no groups; see {command} --help")
        wanted = inline.get("--list", given.get("--list", ""))
        return list(list_lines(wanted, folders))
    if "--explain" in {**given, **inline}:
        wanted = inline.get("--explain", given.get("--explain", ""))
        if not wanted or wanted.startswith("-"):
            raise UserError("--explain: give a key or a choice: --explain trainer.on_nan")
        from gan_cli.cli.explain import explain_lines  # torch is imported late

        return list(explain_lines(wanted, config_name, folders, overrides))
    if {"--help", "-h"} & set(options):
        composed = compose_for(config_name, folders, overrides)
        return list(help_lines(command, config_name, folders[0], composed))
    return None


def _refuse_unknown(
    command: str, config_name: str, folders: Sequence[Path], options: Sequence[str]
) -> None:
    """Raise UserError for options that are none, with the key that was meant."""
    problems = []
    known = {*ASKING, *HYDRAS}
    for option, following in zip(options, [*options[1:], ""], strict=False):
        name, _, value = option.partition("=")
        if not name.startswith("-") or name in known or name[:3] in ("-cn", "-cd", "-cp"):
            continue
        value = value or ("" if following.startswith("-") or "=" in following else following)
        config = compose_for(config_name, folders, []).plain
        groups = groups_in(folders) if config_name == "train" else {}
        right = meant(name.lstrip("-"), value, config, groups)
        near = nearest(name, known, SIMILAR), nearest(name.lstrip("-"), groups, SIMILAR)
        guess = next((hint for hint in near if "did you mean" in hint), "")
        hint = f"; write {right}" if right else guess
        see = f"; keys are written key=value, see {command} --help"
        problems.append(f"{option}: no such option{hint or see}")
    if problems:
        raise UserError(*problems)
