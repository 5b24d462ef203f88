"""Where things are kept that take minutes to make or to fetch."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$GAN_CLI_CACHE`, else `gan-cli` among the user's caches; not made here."""
    if named := os.environ.get("GAN_CLI_CACHE"):
        return Path(named).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "gan-cli"
