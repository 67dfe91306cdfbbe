"""The language model's rankers for the stages that hear one, and the files that remember what each answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from llmrec.build import Overrides
from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.evaluation.catalogue_views import with_ids_alone, with_shuffled_texts
from llmrec.evaluation.fitting import Voice
from llmrec.evaluation.heard import AnswerLog
from llmrec.interfaces import ChatModel, Ranker
from llmrec.language_model.remote_address import is_remote
from llmrec.models import NO_MODEL, load_language_model, model_place, weights_sha256
from llmrec.prompting.templates import PromptLibrary
from llmrec.rankers import model_ranker
from llmrec.ranking.fusion_model import MEASURED
from llmrec.settings import LanguageModelSettings, Settings

ANSWERS_DIRECTORY = "lm_answers"
"""In the cache of assets, unless another place is named."""
_SHOWN_AS = 1  # raise it when the same query, items and template make another prompt than before
_SEED = 0
# What a model answers does not depend on these.
_BESIDE = {"lm_weight", "max_lift", "timeout_s"}


@dataclass(frozen=True)
class _Maker:
    """Everything a ranker is made of, but for the items' texts and the adapter."""

    settings: Settings
    prompts: PromptLibrary
    overrides: Overrides
    directory: Path

    def voice(self, catalogue: Callable[[], Catalogue], model: LanguageModelSettings) -> Voice:
        """The model of `model`, reading `catalogue`; both are made when first needed."""
        given, measured = self.overrides.language_model, Path(model.adapter) / MEASURED
        if not model.adapter or not measured.is_dir():
            return self._voice(catalogue, model, given)
        before = model.model_copy(update={"adapter": str(measured)})
        return replace(self._voice(catalogue, model, given), measured=self._voice(catalogue, before, None))

    def _voice(
        self, catalogue: Callable[[], Catalogue], model: LanguageModelSettings, given: ChatModel | None
    ) -> Voice:
        ranker = partial(self._ranker, catalogue, model, given)
        if given is not None or is_remote(model.model):  # nothing tells its weights from another's
            return Voice(ranker)
        return Voice(ranker, partial(self._log, catalogue, model))

    def _ranker(
        self, catalogue: Callable[[], Catalogue], model: LanguageModelSettings, given: ChatModel | None
    ) -> Ranker:
        loaded = given or load_language_model(model, self.overrides.store)
        assert loaded is not None, "settings name a model"
        return model_ranker(catalogue(), self.settings.ranking, loaded, self.prompts)

    def _log(self, catalogue: Callable[[], Catalogue], model: LanguageModelSettings) -> AnswerLog:
        about = {
            "model": model.model,
            "weights": self._weights(model.model),
            "adapter": _adapter_sha256(Path(model.adapter)) if model.adapter else "",
            "computed": [model.device, model.dtype],
            "prompts": {name: self.prompts[name].hash for name in ("rank", "rank_isolated")},
            "ranking": self.settings.ranking.model_dump(exclude=_BESIDE),
            "texts": catalogue().content_hash,
            "shown_as": _SHOWN_AS,
        }
        key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]
        return AnswerLog(self.directory / f"{key}.jsonl", about=about)

    def _weights(self, name: str) -> str:
        """Of what lies in a directory; a hub id stands for itself."""
        place = model_place(name, self.overrides.store)
        return weights_sha256(place) if isinstance(place, Path) else place


def language_model_voices(
    catalogue: Catalogue,
    settings: Settings,
    prompts: PromptLibrary,
    overrides: Overrides,
    *,
    directory: Path | None = None,
) -> Mapping[str, Voice]:
    """By stage; none where there is no language model.

    Args:
        catalogue: The items.
        settings: Which model, and how it ranks.
        prompts: The templates.
        overrides: The model and cache of this run.
        directory: Where answers are kept; by default in the cache.
    """
    if overrides.language_model is None and settings.language_model.model == NO_MODEL:
        return {}
    directory = directory or overrides.store.cache_dir / ANSWERS_DIRECTORY
    maker, model = _Maker(settings, prompts, overrides, directory), settings.language_model
    return {
        "lm": maker.voice(lambda: catalogue, model),
        "lm_base": maker.voice(lambda: catalogue, model.model_copy(update={"adapter": ""})),
        "lm_shuffled_titles": maker.voice(cache(partial(with_shuffled_texts, catalogue, seed=_SEED)), model),
        "lm_ids": maker.voice(cache(partial(with_ids_alone, catalogue)), model),
    }


def _adapter_sha256(directory: Path) -> str:
    """Of weights and configuration: a scale there changes answers as weights do. Raises ModelError."""
    try:
        configuration = (directory / "adapter_config.json").read_bytes()
        return hashlib.sha256(weights_sha256(directory).encode() + configuration).hexdigest()
    except OSError as error:
        raise ModelError(f"the adapter {directory} cannot be read: {error.strerror or error}.") from error
