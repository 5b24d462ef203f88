"""Tar shards: their samples in an order that follows from the seed alone, here and elsewhere."""

import http.server
import tarfile
import threading
from functools import partial
from pathlib import Path

import pytest
import torch

from gan_cli.data import tar_shards
from gan_cli.data.batches import StreamBatches, open_batches
from gan_cli.data.order import Order
from gan_cli.data.shards import Shards
from gan_cli.errors import UserError
from tests.conftest import NARROW, Command
from tests.data.image_files import write_shard
from tests.runs.resuming import assert_equal, cut_off
from tests.settings import settings_of

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "shards"


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Three shards of 5, 3 and 6 samples, numbered through."""
    for name, numbers in (("a", range(5)), ("b", range(5, 8)), ("c", range(8, 14))):
        write_shard(tmp_path / "shards" / f"{name}.tar", numbers)
    return tmp_path / "shards"


def prepared(root: object, **options: object) -> Shards:
    found = Shards(str(root), 8, 1, **options)  # type: ignore[arg-type]
    found.prepare()
    return found


def stream(found: Shards, seed: int = 0, workers: int = 0) -> StreamBatches:
    batches = open_batches(
        *(found,),
        batch_size=2,
        device=CPU,
        seed=seed,
        memory_limit=1e-9,
        workers=workers,
        flip=False,
    )
    assert isinstance(batches, StreamBatches)
    return batches


def numbers_of(batches: StreamBatches, count: int) -> list[int]:
    """The grays of samples, which are their numbers."""
    drawn = [batches.next()["image"][:, 0, 0, 0] for _ in range(count)]
    return ((torch.cat(drawn) + 1) * 127.5).round().int().tolist()


def test_runs_come_one_after_another_and_every_row_once():
    order = Order(14, 0, CPU, runs=[5, 3, 6])
    epochs = [order.take(14 * n, 14).tolist() for n in range(20)]
    parts = [set(range(5)), set(range(5, 8)), set(range(8, 14))]
    firsts = set()
    for rows in epochs:
        assert sorted(rows) == list(range(14))
        left = list(rows)
        while left:
            (run,) = (part for part in parts if left[0] in part)
            assert set(left[: len(run)]) == run
            del left[: len(run)]
        firsts.add(rows[0])
    assert len(firsts) > 5
    assert order.take(3, 30).tolist() == [row for rows in epochs[:3] for row in rows][3:33]
    assert Order(14, 1, CPU, runs=[5, 3, 6]).take(0, 14).tolist() != epochs[0]


def test_samples_and_their_classes(shards: Path):
    found = prepared(shards)
    assert (len(found), found.n_classes, found.class_names) == (14, 2, ("0", "1"))
    assert found.labels["label"].tolist() == [n % 2 for n in range(14)]
    loaded = found.load()["image"]
    assert loaded[:, 0, 0, 0].tolist() == list(range(14))
    assert found.listing("")[5][0].startswith("1:")
    assert found.runs == {"": [5, 3, 6]}
    some = prepared(shards, limit=6, labels=False)
    assert (len(some), some.n_classes, some.runs) == (6, 0, {"": [5, 1]})


def test_a_stream_goes_on_exactly_where_it_was(shards: Path):
    """In this process and with workers, in the midst of a shard and of an epoch."""
    whole = numbers_of(stream(prepared(shards)), 14)
    assert sorted(whole[:14]) == list(range(14))
    assert sorted(whole[14:]) == list(range(14))
    for workers in (0, 1):
        batches = stream(prepared(shards), workers=workers)
        batches.seek(6)
        assert numbers_of(batches, 11) == whole[6:]
        batches.close()


def test_a_run_on_shards_resumes_bit_for_bit(shards: Path, gan_train: Command, tmp_path: Path):
    whole = gan_train(
        *("data=webdataset", f"data.root={shards}", "model=dcgan", *NARROW, "data.image_size=8"),
        *("data.batch_size=4", "data.memory_limit=1e-9", "data.workers=0", "trainer.log_every=2"),
        *("trainer.steps=6", "trainer.checkpoint_every=3", "trainer.keep_last=9"),
        *("trainer.sample_every=0", "trainer.health=false"),
    )
    assert whole.code == 0, whole.err
    part = cut_off(whole.folder, 3, tmp_path / "part")
    resumed = gan_train(f"resume={part}")
    assert resumed.code == 0, resumed.err
    name = "checkpoints/step-00000006.pt"
    states = [torch.load(r / name, weights_only=True)["state"] for r in (whole.folder, part)]
    assert states[0]["position"] == 24
    assert_equal(*states)


def test_what_a_shard_holds_is_known_the_next_time(
    shards: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
):
    prepared(shards)
    assert len(list(own_cache.glob("*.npz"))) == 3
    read: list[str] = []
    anew = tar_shards._read_contents
    monkeypatch.setattr(tar_shards, "_read_contents", lambda path: read.append(path) or anew(path))
    prepared(shards)
    assert read == []
    write_shard(shards / "b.tar", range(20, 24))
    assert len(prepared(shards)) == 15
    assert read == [str(shards / "b.tar")]
    for kept in own_cache.glob("*.npz"):
        kept.write_bytes(b"damaged")
    assert len(prepared(shards)) == 15


def test_patterns_jpg_and_folders(shards: Path):
    pytest.importorskip("webdataset")
    write_shard(shards / "more" / "d.tar", range(200, 203), ending="jpeg")
    assert len(prepared(shards / "{a,b}.tar")) == 8
    assert len(prepared(f"{shards}/a.tar::{shards}/c.tar")) == 11
    assert len(prepared(shards)) == 17


def test_shards_from_elsewhere(shards: Path, own_cache: Path):
    """Over HTTP and out of a command: fetched once, then kept while there is room."""
    pytest.importorskip("webdataset")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(shards))
    asked: list[str] = []
    handler.func.log_message = lambda self, *a: asked.append(self.path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{{a,b}}.tar"
        found = prepared(url)
        assert found.load()["image"][:, 0, 0, 0].tolist() == list(range(8))
        assert asked == ["/a.tar", "/b.tar"]
        with pytest.raises(
            UserError, match=r"data.download=false: http://.*set data.download=true"
        ):
            prepared(url, download=False)
        with pytest.raises(UserError, match=r"nothing.tar cannot be fetched"):
            prepared(url.replace("{a,b}", "nothing"))
        server.shutdown()
    assert len(prepared(f"pipe:cat {shards}/c.tar", room=1e-9)) == 6
    assert len(list(own_cache.glob("*.tar"))) == 1  # there was no room for the others


def test_a_checkpoint_may_not_order_a_fetch(shards: Path):
    from gan_cli.config.checkpointed import relink

    settings = settings_of("data=webdataset", f"data.root={shards}", "data.n_classes=2")
    assert settings.plain["data"]["download"] is True
    assert relink(settings.plain, settings.links).data.download is False


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "a.tar").write_bytes(b"no tar" * 200), "a.tar: no readable .tar"),
        (lambda root: (root / "a.tar").write_bytes((root / "c.tar").read_bytes()[:700]), "a.tar"),
        (lambda root: write_shard(root / "a.tar", range(3), labels=False), "3 of 12 samples have"),
        (lambda root: [p.unlink() for p in root.glob("*")], "no .tar in this folder"),
        (
            lambda root: [tarfile.open(p, "w").close() for p in root.glob("*")],
            "no image in its shards",
        ),
    ],
)
def test_mistakes(shards: Path, change, said: str):
    change(shards)
    with pytest.raises(UserError, match=said) as error:
        prepared(shards).load()
    assert len(error.value.problems) == 1


def test_other_mistakes(shards: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("webdataset")
    with pytest.raises(UserError, match=r"d.tar is not there; give a folder of .tar"):
        prepared(shards / "{a,d}.tar")
    with pytest.raises(UserError, match=r"the shards have classes 0 to 1; set data.n_classes=2"):
        prepared(shards, n_classes=1)
    assert prepared(shards, n_classes=5).n_classes == 5
    monkeypatch.setattr(tar_shards, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'gan-cli\[webdataset\]'"):
        prepared(shards / "a.tar")
