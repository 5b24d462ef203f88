"""`python -m gan_cli` is `gan-train`, and `python -m gan_cli sample` is `gan-sample`."""

import importlib
import sys

from gan_cli.paths import PACKAGE


def run_command() -> None:
    """Run the command that the first word names, or gan-train."""
    files = (PACKAGE / "cli").glob("*.py")
    commands = [f.stem for f in files if "\nCOMMAND = " in f.read_text(encoding="utf-8")]
    name = sys.argv.pop(1) if sys.argv[1:] and sys.argv[1] in commands else "train"
    importlib.import_module(f"gan_cli.cli.{name}").main()


if __name__ == "__main__":
    run_command()
