"""Sequential networks on disk: safetensors and the settings that rebuild them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from llmrec.errors import ArtifactError, ConfigError
from llmrec.retrieval.sequential_model import SequenceNetwork
from llmrec.retrieval.sequential_plan import Compute, NetworkShape, TrainingPlan
from llmrec.retrieval.storage import load_settings, save_settings
from llmrec.types import ItemId

_FILE = "network.safetensors"
_ORDER = "order"
_Plan = TypeVar("_Plan", NetworkShape, TrainingPlan)


@dataclass(frozen=True, slots=True)
class SavedNetwork:
    """A trained network with all that scoring and training on need.

    Attributes:
        order: int64 [n_known], catalogue position of each of the network's items.
        seed: Of its training.
        cold_bonus: See TextReading; without texts no such item has a score.
    """

    network: SequenceNetwork
    order: NDArray[np.int64]
    training: TrainingPlan
    compute: Compute
    seed: int
    cold_bonus: float = 0.0


def save_network(directory: Path, kind: str, item_ids: Sequence[ItemId], saved: SavedNetwork) -> None:
    """Write `network.safetensors` and the settings."""
    network = saved.network
    save_settings(
        directory,
        kind,
        item_ids,
        seed=saved.seed,
        id_dropout=network.id_dropout,
        cold_bonus=saved.cold_bonus,
        **asdict(network.shape),
        **asdict(saved.training),
    )
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    save_file({**weights, _ORDER: torch.from_numpy(saved.order)}, directory / _FILE)


def load_network(directory: Path, kind: str, item_ids: Sequence[ItemId], compute: Compute) -> SavedNetwork:
    """What `save_network` wrote, ready on `compute`. Raises ArtifactError when missing, damaged or of other items."""
    settings = load_settings(directory, kind, item_ids)
    try:
        weights = load_file(directory / _FILE)
        order = weights.pop(_ORDER).numpy()
        texts = weights.get("texts")
        network = SequenceNetwork(
            len(weights["ids"]),
            _plan(NetworkShape, settings),
            texts=None if texts is None else torch.zeros_like(texts),
            id_dropout=float(settings["id_dropout"]),
        )
        network.load_state_dict(weights)
        training, seed = _plan(TrainingPlan, settings), int(settings["seed"])
        cold_bonus = float(settings["cold_bonus"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError, ConfigError) as error:
        raise ArtifactError(f"{directory / _FILE} cannot be read.", hint="Build the recommender again.") from error
    if len(order) != len(network.item_vectors()) or not np.isin(order, np.arange(len(item_ids))).all():
        raise ArtifactError(f"{directory / _FILE} names items that are not there.", hint="Build the recommender again.")
    return SavedNetwork(network.to(compute.device), order, training, compute, seed, cold_bonus)


def _plan(kind: type[_Plan], settings: Mapping[str, Any]) -> _Plan:
    # Any: JSON's values; the dataclass refuses what is out of range.
    return kind(**{field.name: settings[field.name] for field in fields(kind)})
