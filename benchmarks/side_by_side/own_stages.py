"""Our own stages for the same table, through the package's own evaluation; kept until code, data or settings change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import llmrec
from benchmarks.side_by_side.bench import Cut
from llmrec.assets import AssetStore
from llmrec.data.catalogue import Catalogue
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.fitting import Workshop
from llmrec.evaluation.protocol import split_sha256
from llmrec.evaluation.results import RESULT_FILE, Evaluation, StageResult
from llmrec.evaluation.run import Plan, evaluate
from llmrec.models import load_encoder
from llmrec.retrieval.item_vectors import embed_resumable
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext

_ROOMS = ("data", "retrieval")
SETTINGS = Path(__file__).parents[1] / "settings"


def own_evaluation(
    cut: Cut, stages: Sequence[str], *, seeds: Sequence[int], runs: Path
) -> tuple[Sequence[StageResult], Mapping[str, Mapping[str, PerUser]]]:
    """Our stages on the test rows, and what each reaches with the first seed on the first split, to be verified by.

    Args:
        cut: The data; several splits take one seed each.
        stages: Names, see `llmrec.stages`.
        seeds: Of what is trained by chance.
        runs: Where results and vectors of items are kept.

    Raises:
        LLMRecError: A stage is unknown or cannot be fitted.
    """
    if not stages:
        return (), {}
    workshop = _workshop(cut, runs)
    of_run = cut.bench.split_seeds if len(cut.splits) > 1 else tuple(seeds)
    whole = _kept(cut, Plan(tuple(stages), seeds=tuple(of_run)), workshop, runs)
    return tuple(whole.stages.values()), own_first(cut, stages, seeds=seeds, runs=runs)


def own_first(
    cut: Cut, stages: Sequence[str], *, seeds: Sequence[int], runs: Path
) -> Mapping[str, Mapping[str, PerUser]]:
    """Metrics by user of each stage with the first seed on the first split."""
    found = _kept(_first(cut), Plan(tuple(stages), seeds=tuple(seeds[:1])), _workshop(cut, runs), runs)
    return {name: stage.per_user for name, stage in found.stages.items()}


def own_again(cut: Cut, stage: str, *, seed: int, runs: Path) -> Mapping[str, Mapping[str, PerUser]]:
    """Like `own_first` for one stage, computed whatever is kept; only the items' vectors may be."""
    found = _computed(_first(cut), Plan((stage,), seeds=(seed,)), _workshop(cut, runs))
    return {name: result.per_user for name, result in found.stages.items()}


def _first(cut: Cut) -> Cut:
    return Cut(cut.bench, cut.data, cut.splits[:1], cut.has_order)


def settings_of(cut: Cut) -> Settings:
    """The settings chosen on this benchmark's validation rows, then on its data set's; ours where there are none."""
    for name in (cut.bench.name, cut.bench.dataset):
        path = SETTINGS / f"{name}.toml"
        if path.is_file():
            return Settings.from_file(path)
    return Settings()


def _kept(cut: Cut, plan: Plan, workshop: Workshop, runs: Path) -> Evaluation:
    chosen = workshop.context.settings.model_dump(mode="json")
    known = [split_sha256(cut.splits, plan.part), plan.stages, plan.seeds, chosen, _code_sha256()]
    key = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:24]
    place = runs / "quality" / cut.bench.name / "own" / key
    if (place / RESULT_FILE).is_file():
        return Evaluation.load(place)
    found = _computed(cut, plan, workshop)
    found.save(place)
    return found


def _computed(cut: Cut, plan: Plan, workshop: Workshop) -> Evaluation:
    return evaluate(cut.splits, plan, workshop, name=cut.bench.dataset, core=cut.bench.core, progress=True)


def item_vectors(catalogue: Catalogue, settings: Settings, runs: Path) -> Callable[[], ExactVectorStore]:
    """Encodes the items of `catalogue` when first asked; what is kept in `runs` is not encoded again."""

    @cache
    def vectors() -> ExactVectorStore:
        encoder = load_encoder(settings.encoder, AssetStore.from_environment())
        found = embed_resumable(catalogue, encoder, runs / "quality" / "vectors")
        return ExactVectorStore(catalogue.ids, found)

    return vectors


def _workshop(cut: Cut, runs: Path) -> Workshop:
    settings, catalogue = settings_of(cut), cut.data.catalogue
    return Workshop(StageContext(catalogue, settings, item_vectors(catalogue, settings, runs)))


@cache
def _code_sha256() -> str:
    """Of what decides a result: how data is cut, what retrieves, how it is measured."""
    package, digest = Path(llmrec.__file__).parent, hashlib.sha256()
    rooms = [package / "stages.py", *(path for room in _ROOMS for path in (package / room).rglob("*.py"))]
    for path in sorted(rooms):
        digest.update(path.read_bytes())
    return digest.hexdigest()
