"""Comments of YAML files, read with their keys."""

from pathlib import Path

import pytest

from gan_cli.config.comments import Commented, read_comments
from gan_cli.paths import conf_folder

TEXT = """\
# @package _global_
# A thing (Radford et al. 2016), and more; see no. 3 of
# its list. Another sentence.
#
#   gan-train thing=a
#   gan-train thing=b   # aside
defaults:
  - base
  - override /loss@_global_.loss: hinge
  - _self_

plain: 1
said: 2       # what it is,
              # said on two lines
              # or three
text: "a # b" # after a text with a sign
group:        # behind a group
  # alone on its line, of no key
  list: [1,
         2]   # behind a list
  deep:
    key: null # deep down
hydra:
  run: x      # Hydra's
"""


def test_a_file_as_a_person_reads_it() -> None:
    text = Commented(TEXT)
    assert text.about.startswith("A thing (Radford et al. 2016), and more; see no. 3 of its list.")
    assert text.first_sentence.endswith("see no. 3 of its list.")
    assert text.examples == ["gan-train thing=a", "gan-train thing=b   # aside"]
    assert text.included == ["base", "override /loss@_global_.loss: hinge", "_self_"]
    assert dict(text.keys) == {
        "plain": "",
        "said": "what it is, said on two lines or three",
        "text": "after a text with a sign",
        "group": "behind a group",
        "group.list": "",
        "group.deep": "",
        "group.deep.key": "deep down",
        "hydra": "",
        "hydra.run": "Hydra's",
    }


def test_an_empty_file() -> None:
    assert Commented("").first_sentence == ""
    assert dict(Commented("").keys) == {}


FILES = sorted(path for path in conf_folder().rglob("*.yaml") if "hydra" not in path.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_file_says_what_it_is_and_how_to_run_it(path: Path) -> None:
    text = read_comments(path)
    assert len(text.first_sentence) > 10
    assert text.examples
    assert all(example.startswith("gan-") for example in text.examples)
