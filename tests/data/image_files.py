"""Small image files for tests."""

import io
import tarfile
import zipfile

import numpy as np
from PIL import Image


def write_image(path, seed=0, size=(8, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


def zipped(root, path, method=zipfile.ZIP_STORED, prefix=""):
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file():
                archive.write(file, prefix + file.relative_to(root).as_posix())
    return path


def write_shard(path, numbers, size=8, ending="png", labels=True):
    """A tar as WebDataset writes it: an image of one gray for each number, its class odd or not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for number in numbers:
            image = io.BytesIO()
            Image.new("RGB", (size, size), (number,) * 3).save(image, format=ending)
            files = {ending: image.getvalue()} | ({"cls": b"%d" % (number % 2)} if labels else {})
            for end, content in files.items():
                member = tarfile.TarInfo(f"part/{number:06d}.{end}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
