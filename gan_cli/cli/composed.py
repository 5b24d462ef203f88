"""A config composed without running anything, and which YAML says what of its keys."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from gan_cli.config.by_device import CHOICE
from gan_cli.config.comments import Commented, read_comments

SCHEMAS = {
    "train": "gan_cli.config.schema.Settings",
    "sample": "gan_cli.inference.sample.SampleSettings",
    "evaluate": "gan_cli.evaluation.evaluate.EvaluateSettings",
    "export": "gan_cli.exports.write.ExportSettings",
    "tune": "gan_cli.tuning.settings.TuneSettings",
    "data_check": "gan_cli.preparation.survey.CheckSettings",
    "data_resize": "gan_cli.preparation.rewriting.ResizeSettings",
    "data_zip": "gan_cli.preparation.rewriting.ZipSettings",
}
"""What each primary config becomes; by name, for to import them is to import torch."""


@contextmanager
def hydra_over(folders: Sequence[Path]) -> Iterator[ConfigLoader]:
    """While entered, `compose` composes from these folders.

    Args:
        folders: that of the primary config, then others with YAML, which rule over it.
    """
    search_path = create_config_search_path(str(folders[0]))
    for number, folder in enumerate(folders[1:]):
        search_path.prepend(f"own{number}", f"file://{folder}")
    instance = GlobalHydra.instance()
    instance.clear()
    Hydra.create_main_hydra2("gan-cli", search_path)
    try:
        yield instance.config_loader()
    finally:
        instance.clear()


@dataclasses.dataclass(frozen=True)
class Source:
    """A YAML file that takes part in a config.

    Attributes:
        name: its path below its folder, such as `model/dcgan.yaml`.
        package: what its keys stand under, dotted; empty at the top.
        parent: the name of the file that includes it.
        text: the file.
    """

    name: str
    package: str
    parent: str
    text: Commented

    @property
    def keys(self) -> Mapping[str, str]:
        """Its keys as they are called in the config, with the comment behind each."""
        return {f"{self.package}.{key}".lstrip("."): said for key, said in self.text.keys.items()}


@dataclasses.dataclass(frozen=True)
class Composed:
    """A config and its sources.

    Attributes:
        config: with its references in place.
        plain: the same, resolved, as plain containers; what is missing is `???`.
        sources: in the order in which they rule over one another.
        groups: the groups there are, each with its options.
    """

    config: DictConfig
    plain: Mapping[str, Any]
    sources: Sequence[Source]
    groups: Mapping[str, Sequence[str]]

    def comment(self, key: str) -> str:
        """What the YAML says of a key: of the files that set it, the last with a comment.

        What data or a recipe says of another section's key stands behind what that says of it.
        """
        said = [(s.package, s.keys[key]) for s in self.sources if s.keys.get(key)]
        if not said:
            return ""
        (section, first), (setter, last) = said[0], said[-1]
        return f"{first}; {last}" if section and not setter else last

    def origin(self, key: str) -> str:
        """The file that sets a key; empty where none does."""
        names = [source.name for source in self.sources if key in source.keys]
        return names[-1] if names else ""

    def reference(self, key: str) -> str:
        """What a key follows, where it is `${reference}` as a whole."""
        node: Any = OmegaConf.to_container(self.config, resolve=False)
        for name in key.split("."):
            node = node.get(name) if isinstance(node, dict) else None
        whole = re.fullmatch(r"\$\{([\w.]+)\}", node) if isinstance(node, str) else None
        return whole[1] if whole else ""


def compose_for(config_name: str, folders: Sequence[Path], overrides: Sequence[str]) -> Composed:
    """Compose what a command would run.

    Args:
        config_name: the primary config.
        folders: see `hydra_over`.
        overrides: as typed.

    Raises:
        HydraException, OmegaConfBaseException: it does not compose.
    """
    with hydra_over(folders) as loader:
        config = compose(config_name, overrides=list(overrides), return_hydra_config=True)
        listed = loader.compute_defaults_list(config_name, list(overrides), RunMode.RUN).defaults
        earlier, HydraConfig.instance().cfg = HydraConfig.instance().cfg, None
        try:
            HydraConfig.instance().set_config(config)  # names hold ${hydra:...}
            own = OmegaConf.masked_copy(config, [str(k) for k in config if k != "hydra"])
            said = OmegaConf.create(_by_device(OmegaConf.to_container(own, resolve=False)))
            plain = OmegaConf.to_container(said, resolve=True, throw_on_missing=False)
            plain |= _of_hydra(config.hydra)  # type: ignore[operator]
        finally:
            HydraConfig.instance().cfg = earlier
    sources = []
    for entry in listed:
        path = _find(folders, entry.config_path or "")
        if path is not None and not (entry.package or "").startswith("hydra"):
            text = read_comments(path)
            name = f"{entry.config_path}.yaml"
            sources.append(Source(name, entry.package or "", f"{entry.parent}.yaml", text))
    return Composed(own, plain, sources, groups_in(folders))  # type: ignore[arg-type]


def _by_device(tree: Any) -> Any:
    """A config with what depends on the device in words: to look for a GPU takes torch."""
    if isinstance(tree, dict):
        return {name: _by_device(value) for name, value in tree.items()}
    found = CHOICE.fullmatch(tree) if isinstance(tree, str) else None
    return f"{found[2]} (GPU: {found[1]})" if found else tree


def _of_hydra(config: DictConfig) -> dict[str, Any]:
    """What a person may want to set of Hydra's own keys, unresolved: it holds the time."""
    raw: Any = OmegaConf.to_container(config, resolve=False)
    found = {name: {"dir": raw[name]["dir"]} for name in ("run", "sweep")}
    return {} if found["run"]["dir"] == "." else {"hydra": found}


def _find(folders: Sequence[Path], name: str) -> Path | None:
    for folder in reversed(folders):
        if (path := folder / f"{name}.yaml").is_file():
            return path
    return None


def groups_in(folders: Sequence[Path]) -> dict[str, list[str]]:
    """The config groups in these folders, each with its options' names, sorted."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in folder.rglob("*.yaml"):
            group = path.parent.relative_to(folder).as_posix()
            if group != "." and not group.startswith("hydra"):
                found.setdefault(group, set()).add(path.stem)
    return {group: sorted(names) for group, names in sorted(found.items())}
