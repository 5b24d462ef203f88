"""How fast a training step is: a ratio against the textbook loop on the same networks and data.

The textbook loop is the tutorials': D's weights collect gradients in G's turn too, tensors are
contiguous, pictures are gathered and scaled on the fly. Both loops take turns in one process, so
whatever else the machine does slows both.

    python benchmarks/speed.py --model dcgan --image-size 32 --channels 3 --batch-size 128
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from hydra import compose, initialize_config_dir
from torch.nn.functional import binary_cross_entropy_with_logits

from gan_cli.assembly.build import build_batches, build_parts, build_trainer, open_device
from gan_cli.config.schema import check
from gan_cli.paths import conf_folder


def our_step(overrides: list[str]) -> Callable[[], None]:
    """A step of gan-train: every player's turn."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", [*overrides, "name=speed", "trainer.log_every=1000000"])
    checked = check(config)
    device = open_device(checked["trainer"]["device"])
    parts = build_parts(checked)
    parts.dataset.prepare()
    trainer = build_trainer(checked, parts, build_batches(checked, parts.dataset, device), device)
    return trainer.play


def textbook_step(overrides: list[str]) -> Callable[[], None]:
    """The same networks in the tutorial's loop."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", [*overrides, "name=speed"])
    checked = check(config)
    device = open_device(checked["trainer"]["device"])
    parts = build_parts(checked)
    parts.dataset.prepare()
    images = parts.dataset.load().images
    generator, discriminator = parts.generator.to(device), parts.discriminator.to(device)
    optimizers = [
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for network in (discriminator, generator)
    ]
    n = checked["data"]["batch_size"]
    one, zero = torch.ones(n, device=device), torch.zeros(n, device=device)

    def step() -> None:
        real = images[torch.randint(len(images), (n,))].to(device).float() / 127.5 - 1.0
        fake = generator(torch.randn(n, generator.latent_dim, device=device))
        optimizers[0].zero_grad()
        loss = binary_cross_entropy_with_logits(discriminator(real)[0], one)
        loss = loss + binary_cross_entropy_with_logits(discriminator(fake.detach())[0], zero)
        loss.backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        binary_cross_entropy_with_logits(discriminator(fake)[0], one).backward()
        optimizers[1].step()

    return step


def seconds(step: Callable[[], None]) -> float:
    """How long one call takes, the device's work included."""
    began = time.perf_counter()
    step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="dcgan")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    chosen = parser.parse_args()
    overrides = [
        *(f"model={chosen.model}", f"data.image_size={chosen.image_size}"),
        *(f"data.channels={chosen.channels}", f"data.batch_size={chosen.batch_size}"),
    ]
    ours, textbook = our_step(overrides), textbook_step(overrides)
    for step in (ours, textbook):
        step()
    pairs = [(seconds(ours), seconds(textbook)) for _ in range(chosen.rounds)]
    ratio = statistics.median(theirs / mine for mine, theirs in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{chosen.model} {chosen.image_size}x{chosen.image_size}x{chosen.channels}", end=" ")
    print(f"batch {chosen.batch_size}: gan-train {mine * 1e3:.0f} ms, textbook", end=" ")
    print(f"{theirs * 1e3:.0f} ms a step, ratio {ratio:.2f} over {chosen.rounds} rounds")


if __name__ == "__main__":
    main()
