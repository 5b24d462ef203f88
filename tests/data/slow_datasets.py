"""Datasets whose decoding takes its time, kills its process, fails, or never ends."""

import os
import signal
import time

import torch

from gan_cli.data.dataset import StreamableDataset


class Slow(StreamableDataset):
    """Takes its time over every image. Index i is an image of i's."""

    image_size, channels, n_classes, labels = 8, 3, 0, {}
    pause = 0.01

    @property
    def sizes(self):
        return {"": 10}

    def prepare(self):
        pass

    def load(self):
        raise NotImplementedError

    def listing(self, group):
        return []

    def open(self, group, index):
        time.sleep(self.pause)
        return {"image": torch.full((3, 8, 8), index, dtype=torch.uint8)}


class Killer(Slow):
    """Kills the process that reads from it."""

    def open(self, group, index):
        os.kill(os.getpid(), signal.SIGKILL)


class Buggy(Slow):
    def open(self, group, index):
        raise RuntimeError("a bug")


class Stuck(Slow):
    """From the second batch on, decoding never ends."""

    def open(self, group, index):
        if index > 1:
            time.sleep(1000)
        return super().open(group, index)
