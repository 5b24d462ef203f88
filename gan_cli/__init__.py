"""gan-cli trains generative adversarial networks from YAML configs."""

from importlib.metadata import version

__version__ = version("gan-cli")
