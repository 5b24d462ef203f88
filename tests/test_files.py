"""Files are whole or not there."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from gan_cli.files import amend_json, replacing, write_whole


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "größe = 8.json"
    for content in (b"old", b"new"):
        write_whole(path, content)
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    path = tmp_path / "a.png"
    write_whole(path, b"old")

    def fail(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, at, fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_until_it_is_whole_the_old_file_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(path, b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(path, b"old")

    def stop() -> None:
        with replacing(path) as file:
            file.write(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, "{", "[1]", '{"reason": "running"}'])
def test_an_amended_object(tmp_path: Path, before: str | None) -> None:
    path = tmp_path / "new" / "summary.json"
    if before is not None:
        path.parent.mkdir()
        path.write_text(before)
    amend_json(path, reason="pruned", step=3)
    assert json.loads(path.read_text()) == {"reason": "pruned", "step": 3}
    amend_json(path, step=4)
    assert json.loads(path.read_text()) == {"reason": "pruned", "step": 4}
