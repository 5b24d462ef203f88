"""Makes the pictures of docs/concepts.md and docs/quickstart.md anew, in docs/pictures.

    python docs/site/pictures.py

Runs lie in outputs/pictures; one that is there is not made again.
"""

from collections.abc import Sequence
from pathlib import Path
from subprocess import run

from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
RUNS, OUT = REPOSITORY / "outputs" / "pictures", REPOSITORY / "docs" / "pictures"

SMALL = (
    "model=vanilla data=gaussians model.latent_dim=2 "
    "model.generator.hidden=[64,64] model.generator.activation=relu "
    "model.generator.output=linear model.discriminator.hidden=[64,64] "
    "model.discriminator.activation=relu model.discriminator.dropout=0"
)
# the setting of docs/modes.md, where a G far ahead of D runs from mode to mode
RING = (
    f"{SMALL} data.batch_size=128 optimizer.generator.lr=1e-3 optimizer.discriminator.lr=3e-4 "
    "ema=null trainer.steps=1500 trainer.sample_every=300"
)
NARROW = "model.generator.width=32 model.discriminator.width=32"
TRAINED = {
    "ring": RING,
    "ring-r1_r2": f"{RING} tricks=[r1_r2] tricks.r1.weight=1 tricks.r2.weight=1",
    "digits": "model=cgan_dcgan_r1",
    "mean": (
        f"{SMALL} data.batch_size=64 optimizer.lr=2e-3 tricks=[r1] tricks.r1.weight=0.1 "
        "ema.decay=0.99 trainer.steps=2000"
    ),
    "r1": "model=dcgan_r1 trainer.steps=1000",
    "fog": f"model=dcgan optimizer=adam_small {NARROW} trainer.steps=1000",
}


def train(name: str) -> Path:
    """The folder of a run."""
    folder = RUNS / name
    if not (folder / "summary.json").exists():
        words = [*TRAINED[name].split(), "trainer.device=cpu", f"hydra.run.dir={folder}"]
        run(["gan-train", *words], check=True)
    return folder


def side_by_side(files: Sequence[Path], out: str, height: int) -> None:
    """Pictures in a row, of one height in pixels, on white."""
    pictures = [Image.open(file).convert("RGB") for file in files]
    scaled = [p.resize((round(p.width * height / p.height), height)) for p in pictures]
    gap = 12
    width = sum(p.width for p in scaled) + gap * (len(scaled) - 1)
    sheet, left = Image.new("RGB", (width, height), "white"), 0
    for picture in scaled:
        sheet.paste(picture, (left, 0))
        left += picture.width + gap
    sheet.quantize(255, method=Image.Quantize.MAXCOVERAGE).save(OUT / out, optimize=True)


def main() -> None:
    """Train what is missing, and put the pictures together."""
    OUT.mkdir(exist_ok=True)
    for name, out in (("ring", "ring-plain.png"), ("ring-r1_r2", "ring-r1_r2.png")):
        samples = train(name) / "samples"
        side_by_side([samples / f"step-{s:08d}.png" for s in (300, 900, 1500)], out, 320)

    grids = [train(name) / "samples" / "step-00001000.png" for name in ("fog", "r1")]
    side_by_side(grids, "fog-and-r1.png", 300)

    drawn = []
    for ema in ("false", "true"):
        drawn.append(RUNS / f"ema-{ema}.png")
        asked = [f"checkpoint={train('mean')}", f"ema={ema}", "count=1500", f"out={drawn[-1]}"]
        run(["gan-sample", *asked], check=True)
    side_by_side(drawn, "last-and-mean.png", 400)

    digits = train("digits")
    run(["gan-evaluate", f"checkpoint={digits}", "count=2000"], check=True)
    for name in ("real_and_fake.png", "neighbours.png"):
        side_by_side([digits / name], name, Image.open(digits / name).height)


if __name__ == "__main__":
    main()
