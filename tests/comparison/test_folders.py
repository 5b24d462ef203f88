import os

import pytest

from gan_cli.comparison.folders import find_runs, natural, short_names
from gan_cli.errors import UserError
from tests.comparison.run_folders import write_run


def test_a_sweeps_jobs_come_in_the_order_of_their_numbers(tmp_path):
    sweep = tmp_path / "sweeps" / "12-00-00"
    for job in (10, 2, 1, 0, *range(3, 10)):
        write_run(sweep / str(job), chosen=["seed=0"])
    (sweep / "multirun.yaml").write_text("hydra: {}\n")
    for given in (sweep, sweep.parent, tmp_path):
        assert [run.name for run in find_runs([given])] == [str(job) for job in range(11)]


def test_runs_come_as_given_and_once(tmp_path):
    a, b = (write_run(tmp_path / name) for name in "ab")
    assert find_runs([b, a]) == [b, a]
    assert find_runs([b, tmp_path, tmp_path / "a" / ".." / "b"]) == [b, a]


def test_links_are_followed_only_when_given(tmp_path):
    a = write_run(tmp_path / "runs" / "a")
    link = tmp_path / "runs" / "0-newest"
    link.symlink_to(a)
    (tmp_path / "runs" / "round").symlink_to(tmp_path / "runs")
    assert find_runs([tmp_path / "runs"]) == [a]
    assert find_runs([link]) == [link]


def test_what_is_no_run_is_said(tmp_path):
    (tmp_path / "empty" / ".hydra").mkdir(parents=True)
    (tmp_path / "empty" / ".hydra" / "config.yaml").write_text("seed: 0\n")
    file = write_run(tmp_path / "run") / "config.yaml"
    for path, said in (
        (tmp_path / "nowhere", "nowhere: no such folder; give"),
        (tmp_path / "empty", "empty: holds no run, nor does a folder below; give"),
        (file, "config.yaml: is a file; give the folder of its run"),
    ):
        with pytest.raises(UserError, match=said) as raised:
            find_runs([path])
        assert len(raised.value.problems) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    with pytest.raises(UserError, match="cannot be read"):
        find_runs([tmp_path])


def test_names_are_as_short_as_they_tell_apart(tmp_path):
    paths = [tmp_path / end for end in ("x/0", "x/1", "y/0")]
    assert short_names(paths[:2]) == ["0", "1"]
    assert short_names(paths) == ["x/0", "x/1", "y/0"]
    assert short_names(paths[:1]) == ["0"]
    # one path is the end of another
    assert len(set(short_names([tmp_path / "0", tmp_path / "x" / tmp_path.name / "0"]))) == 2


def test_numbers_are_ordered_as_numbers():
    names = ["10", "9", "b2", "b10", "a", "", "01"]
    assert sorted(names, key=natural) == ["", "01", "9", "10", "a", "b2", "b10"]
