"""docs/reliability.md names a test for each of its promises: all of them are there."""

import ast
import re

from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "reliability.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def defined(file: str) -> set[str]:
    """The tests in a file."""
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 100
    known = {file: defined(file) for file, _ in named}
    assert [f"{file}::{test}" for file, test in named if test not in known[file]] == []


def test_each_promise_names_a_test() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.endswith("| shown by |")]
    assert len(promises) > 60
    assert [row for row in promises if not NAMED.search(row.split(" | ")[-1])] == []
