"""The loader's study draws real batches from files that it wrote."""

import json

from PIL import Image

from benchmarks import loading
from gan_cli.data.batches import MemoryBatches, StreamBatches


def test_loader_alone_and_beside_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loading, "ROUND", 0.0)
    drawn_from = []
    build, open_trainer = loading.build_batches, loading.open_trainer

    def spy(made, batches):
        drawn_from.append(type(batches))
        return made

    monkeypatch.setattr(loading, "build_batches", lambda *a: spy(made := build(*a), made))
    monkeypatch.setattr(
        loading, "open_trainer", lambda *a: spy(made := open_trainer(*a), made.batches)
    )
    out = tmp_path / "found" / "loading.json"
    order = f"--out {out} --count 64 --workers 0 --models vanilla --seconds 0.01 --rounds 1"
    loading.main(order.split())
    found = json.loads(out.read_text())["rates"]
    assert [(f["files"], f["workers"], f.get("model")) for f in found] == [
        (kind, 0, model) for kind in ("png", "jpg") for model in (None, "vanilla")
    ]
    assert drawn_from == 2 * [StreamBatches, MemoryBatches, StreamBatches]
    assert all(f["loader"] > 0 for f in found if "loader" in f)
    assert all(f["memory"] > 0 < f["stream"] for f in found if "model" in f)
    assert len(capsys.readouterr().out.splitlines()) == len(found)


def test_pictures_are_no_flat_colour(tmp_path):
    loading.write_pictures(tmp_path / "png", "png", 2)
    pictures = sorted((tmp_path / "png").iterdir())
    assert [p.name for p in pictures] == ["00000.png", "00001.png"]
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (32, 32)
            assert len(picture.convert("L").getcolors()) > 50
    assert pictures[0].read_bytes() != pictures[1].read_bytes()
