"""A person's own YAML, looked at before Hydra reads it.

Hydra would take a file that is none for minutes, or end in a traceback without saying which it was.
"""

from pathlib import Path

import yaml

from gan_cli.errors import UserError

MAX_BYTES = 1 << 20
MAX_VALUES = 100_000
"""What a file may hold once its aliases are written out; 10 lines of them can stand for 10^9."""


def refuse_odd_yaml(folder: Path) -> None:
    """Make sure that Hydra can read every `.yaml` below a folder.

    Raises:
        UserError: one is not text, no YAML, nested too deeply, or explodes; says which and where.
    """
    for path in sorted(folder.rglob("*.yaml")):
        if not path.is_file():
            continue
        try:
            if path.stat().st_size > MAX_BYTES:
                raise UserError(f"{path}: more than {MAX_BYTES:,} bytes, which no config needs")
            tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
            values = _count(tree, {}) if tree is not None else 0
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise UserError(f"{path}:{line}: {error.problem}; fix this line") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: not YAML in UTF-8; save it as text") from error
        except RecursionError as error:
            raise UserError(f"{path}: nested too deeply, or an alias in itself; undo that") from error
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from error
        if values > MAX_VALUES:
            raise UserError(f"{path}: its aliases stand for more than {MAX_VALUES:,} values")


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node is, with every alias written out; deeper than itself it recurses."""
    if id(node) not in known:
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = node.value
        elif isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_count(part, known) for part in inner)
    return known[id(node)]
