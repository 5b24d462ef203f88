"""Where the YAML lies, and where things are kept that take long to make or to fetch."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def conf_folder() -> Path:
    """The config groups: inside the package when installed, beside it in a checkout."""
    installed = PACKAGE / "conf"
    return installed if installed.is_dir() else PACKAGE.parent / "conf"


def cache_folder() -> Path:
    """`$GAN_CLI_CACHE`, else `gan-cli` among the user's caches; not made here."""
    if named := os.environ.get("GAN_CLI_CACHE"):
        return Path(named).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "gan-cli"
