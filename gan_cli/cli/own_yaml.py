"""A person's own YAML, looked at before Hydra reads it.

Hydra would take a file that is none for minutes, or end in a traceback without saying which it was.
"""

from pathlib import Path

from gan_cli import yaml_text
from gan_cli.errors import UserError

MAX_BYTES = 1 << 20


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
            yaml_text.examine(path.read_text(encoding="utf-8"))
        except yaml_text.OddYAML as odd:
            where = f"{path}:{odd.line}" if odd.line else f"{path}"
            raise UserError(f"{where}: {odd}; fix it") from odd
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not text in UTF-8; save it as such") from error
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from error
