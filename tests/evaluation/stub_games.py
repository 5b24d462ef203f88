"""Games that need no training: what they draw is known."""

import torch
from torch import nn

from gan_cli import randomness
from gan_cli.games import latents
from gan_cli.games.base import Game
from gan_cli.games.requests import Drawing, Trial


class StubGame(Game):
    """A game that is only drawn from."""

    players = averaged = property(lambda self: {})

    def losses(self, player, batch, progress):
        raise NotImplementedError

    def sheets(self, look_up, seed):
        raise NotImplementedError

    def real_examples(self, batch):
        raise NotImplementedError


class Noise(StubGame):
    """Images whose colours are its latents; in training mode they would depend on their batch.

    Args:
        fields: of the data.
        n_classes: how many classes it is told.
        n_codes: categories of its code; 0 for none.
    """

    def __init__(self, fields, n_classes=0, n_codes=0):
        super().__init__()
        self.bind(fields)
        self.shape = fields["image"].shape
        self.n_classes, self.n_codes = n_classes, n_codes
        self.norm = nn.BatchNorm1d(self.shape[0]).eval()

    def trials(self):
        return {"": Trial(real="image")}

    def complete(self, request):
        return latents.complete(request, self.shape[0], self.n_classes)

    @torch.no_grad()
    def draw(self, request):
        made = self.norm(request.latents).tanh()[:, :, None, None].expand(-1, *self.shape)
        code = torch.arange(request.count) % self.n_codes if self.n_codes else None
        return Drawing(
            *({"fake": made}, "fake", self.fields["image"].kind, request.label), code=code
        )


class Painter(StubGame):
    """Images by class, or by code, out of a table: it draws what it is told without a mistake.

    Args:
        fields: of the data.
        examples: float32 [K, n, C, H, W] in [-1, 1], of each class.
        coded: whether it is not told classes but draws them by a code, another number for each.
    """

    def __init__(self, fields, examples, coded=False):
        super().__init__()
        self.bind(fields)
        self.examples, self.coded = examples, coded
        self.n_classes = 0 if coded else len(examples)

    def trials(self):
        return {"": Trial(real="image")}

    def complete(self, request):
        return latents.complete(request, 2, self.n_classes)

    def draw(self, request):
        k, n = self.examples.shape[:2]
        number = torch.arange(request.count) % k if self.coded else request.label
        which = request.latents[:, 0].mul(1000).long() % n
        made = self.examples[(number + 3) % k if self.coded else number, which]
        code = number if self.coded else None
        return Drawing({"fake": made}, "fake", "image", request.label, code)


class Translator(StubGame):
    """Makes targets of sources: the source itself, plus noise that follows from the seed."""

    def __init__(self, fields, noise=0.0):
        super().__init__()
        self.bind(fields)
        self.noise = noise

    def trials(self):
        return {"": Trial(real="target", inputs=("source",), paired=True)}

    def draw(self, request):
        source = request.inputs["source"]
        draw = randomness.generator("translator", request.seed)
        made = (source + self.noise * torch.randn(source.shape, generator=draw)).clamp(-1, 1)
        return Drawing({"source": source, "fake": made}, "fake")


class Inverter(StubGame):
    """Translates both ways by turning bright to dark; `error` is lost on the way back."""

    def __init__(self, fields, error=0.0):
        super().__init__()
        self.bind(fields)
        self.error = error

    def trials(self):
        return {
            "ab": Trial(real="b", inputs=("a",), cycle="back", direction="ab"),
            "ba": Trial(real="a", inputs=("b",), cycle="back", direction="ba"),
        }

    def draw(self, request):
        x = request.inputs[request.direction[0]]
        assert x.dtype == torch.float32
        assert x.min() >= -1
        return Drawing({"input": x, "there": -x, "back": x * (1 - self.error)}, "there")


class Copier(StubGame):
    """Gives back what it is given, `error` too bright, and sees its brightness."""

    def __init__(self, fields, error=0.0):
        super().__init__()
        self.bind(fields)
        self.error = error

    def trials(self):
        back = Trial(real="image", inputs=("image",), paired=True, encodes=True)
        return {"reconstruction": back}

    def draw(self, request):
        x = request.inputs["image"]
        features = x.mean((1, 2, 3))[:, None]
        return Drawing({"input": x, "back": x + self.error}, "back", features=features)
