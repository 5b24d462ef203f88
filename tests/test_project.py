"""What stands around the code agrees with it: licence, version, workflow, release."""

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from docs.site.links import LINK
from tests.conftest import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOW = REPOSITORY / ".github" / "workflows" / "checks.yml"


def loaded(place: str) -> Any:
    return yaml.safe_load((REPOSITORY / place).read_text(encoding="utf-8"))


def test_the_licence_is_said_once_everywhere() -> None:
    assert PROJECT["license"] == "MIT"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert (REPOSITORY / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")
    assert loaded("CITATION.cff")["license"] == "MIT"


def test_the_version_is_said_once_everywhere() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## (\d[\w.]*)", changelog, re.MULTILINE)[0]
    assert loaded("CITATION.cff")["version"] == PROJECT["version"] == newest


def test_the_versions_of_python_are_those_that_are_tested() -> None:
    named = [
        re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", c)
        for c in PROJECT["classifiers"]
    ]
    versions = [match[1] for match in named if match]
    assert (
        loaded(".github/workflows/checks.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"]
        == versions
    )
    low, high = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert versions == [f"3.{minor}" for minor in range(int(low), int(high))]


def test_the_workflow_and_the_pages_call_targets_that_are_there() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    called = set(re.findall(r"\bmake ([a-z]+)\b", WORKFLOW.read_text(encoding="utf-8")))
    assert called == {"lint", "test", "docs"}
    contributing = (REPOSITORY / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    called |= set(re.findall(r"^make ([a-z]+)", contributing, re.MULTILINE))
    assert all(f"\n{target}: $(READY)" in makefile for target in called)


@pytest.mark.parametrize(
    "place",
    [
        ".pre-commit-config.yaml",
        ".github/actions/setup/action.yml",
        ".github/ISSUE_TEMPLATE/config.yml",
        ".github/ISSUE_TEMPLATE/fault.yml",
        ".github/ISSUE_TEMPLATE/idea.yml",
    ],
)
def test_yaml_around_it_can_be_read(place: str) -> None:
    assert isinstance(loaded(place), dict)


def test_the_container_is_built_of_files_that_are_there() -> None:
    settings = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text())
    dockerfile = (REPOSITORY / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert f"AS {settings['build']['target']}\n" in dockerfile
    assert (REPOSITORY / ".devcontainer" / settings["build"]["dockerfile"]).is_file()
    allowed = (REPOSITORY / "docker" / "Dockerfile.dockerignore").read_text().split()
    needed = ["pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], "gan_cli", "conf"]
    assert [name for name in needed if f"!{name}" not in allowed] == []
    assert all((REPOSITORY / name[1:]).exists() for name in allowed if name.startswith("!"))


def test_what_a_release_adds_makes_all_links_of_the_readme_absolute() -> None:
    release = (REPOSITORY / "docs" / "release.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", release, re.DOTALL)
    hook = tomllib.loads(block)["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (REPOSITORY / hook["fragments"][0]["path"]).read_text(encoding="utf-8")
    assert LINK.search(text)
    for step in hook["substitutions"]:
        text = re.sub(step["pattern"], step["replacement"].replace("HOME", "https://home"), text)
    assert not LINK.search(text)
    assert "](https://home/raw/v$HFPR_VERSION/docs/digits.png)" in text
