"""New items: what the model adds to the text retriever alone where nobody has met any candidate yet.

A tenth of the items loses every interaction at a time. Candidates are those items, all of them, in the order of the
retriever that compares texts; item tokens read the same items by their texts. Weights are learned on validation users.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lm_gain.gains import gains
from benchmarks.lm_gain.recipe import base_sha256, hash_of, training_code_sha256
from benchmarks.lm_gain.table import COLD_ITEMS
from benchmarks.provenance import commit, machine
from benchmarks.side_by_side.bench import Bench, Cut
from benchmarks.side_by_side.own_stages import item_vectors
from finetune.item_token_run import Refit
from finetune.ranker_callbacks import Progress
from finetune.ranker_candidates import Case, each_history
from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData
from finetune.ranker_model import load_base
from finetune.ranker_output import CURVE_FILE, RankerPlace
from finetune.ranker_setup import Bench as TrainingBench
from finetune.ranker_validation import Panel
from finetune.ranker_verdict import learned_weights_of
from finetune.retriever_data import TrainingData
from llmrec.assets import AssetStore
from llmrec.data.splits import Task
from llmrec.evaluation.estimates import bootstrap_means
from llmrec.evaluation.fused_stages import query_of
from llmrec.evaluation.fusion_fitting import WITHOUT_LM
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.language_model.devices import choose_device
from llmrec.models import model_place
from llmrec.prompting.templates import PromptLibrary
from llmrec.ranking.fusion_model import FEATURES
from llmrec.ranking.model_scores import by_model
from llmrec.retrieval.best import best_positions
from llmrec.settings import Settings
from llmrec.stages import STAGES, StageContext
from llmrec.types import Candidate, RankReport

BENCH = Bench("movielens-100k", "cold-items")
RETRIEVER = "dense"
_PAIRS = (("fused", "retrieval"), ("fused", "fused_without_lm"), ("lm", "retrieval"))
_SEED = 0
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class ColdItems:
    """The benchmark.

    Attributes:
        settings: Of the retriever.
        training: How networks are trained, base named; nobody stops them, so `passes` says for how long.
        runs: Where what the networks said is kept.
    """

    cut: Cut
    settings: Settings
    training: RankerTraining
    passes: float
    runs: Path

    def measured(self, n_folds: int) -> Mapping[str, Any]:
        """NDCG@10 among the new items of `n_folds` folds, ready for JSON. Raises LLMRecError."""
        validation, test = Panel((), (), 0), Panel((), (), 0)
        for fold in range(n_folds):
            said = self._said(fold)
            validation, test = (
                _joined(validation, self._panel(fold, "validation", said)),
                _joined(test, self._panel(fold, "test", said)),
            )
        nobody_met: Mapping[Any, int] = {}
        with_it, without = (learned_weights_of([validation], nobody_met, names) for names in (FEATURES, WITHOUT_LM))
        columns = {
            "retrieval": test.retrieval,
            "lm": test.lm,
            "fused_without_lm": test.calibrated(without, nobody_met),
            "fused": test.calibrated(with_it, nobody_met),
        }
        means = {name: {"mean": at.mean, "ci95": at.ci95} for name, at in bootstrap_means(columns, seed=_SEED).items()}
        return {
            "bench": self.cut.bench.name,
            "n_users": len(test.cases),
            "n_folds": n_folds,
            "NDCG@10": {**means, "random_order": {"mean": test.random}},
            "gain": {pair: gain.to_json() for pair, gain in gains(columns, _PAIRS).items()},
            "weights": dict(with_it.weights),
            "how": {"training": self.training.model_dump(mode="json"), "passes": self.passes, "retriever": RETRIEVER},
            "machine": machine(),
            "commit": commit(),
            **self._data,
        }

    @property
    def _data(self) -> Mapping[str, str]:
        record = ProtocolRecord.of(
            self.cut.splits, name=self.cut.bench.dataset, part="test", core=self.cut.bench.core, seeds=[_SEED]
        )
        return {"data_sha256": record.data.sha256, "split_sha256": record.split_sha256}

    def _task(self, fold: int, part: str) -> Task:
        split = self.cut.splits[0]
        return (split.validation if part == "validation" else split.test)[fold]

    def _panel(self, fold: int, part: str, said: Mapping[str, Scores]) -> Panel:
        """Each user's new items in the retriever's order, and what the model makes of them."""
        task, ids, context = self._task(fold, part), self.cut.data.catalogue.ids, self._context
        known = STAGES[RETRIEVER].fit(task.fit_on, context, _SEED).score_histories(task.histories)
        cases, rankings = [], []
        for user, met in enumerate(each_history(task.histories)):
            allowed = np.array(task.cold, dtype=np.bool_)
            allowed[met] = False
            best = best_positions(known[user], int(allowed.sum()), allowed=allowed).tolist()
            found = tuple(Candidate(ids[item], float(known[user, item]), RETRIEVER) for item in best)
            scores = {ids[item]: float(said[part][user, item]) for item in best}
            cases.append(Case(query_of(met, ids), found, ids[int(task.answers.items[user])]))
            rankings.append(by_model(found, scores, RankReport()))
        return Panel(cases, rankings, 0)

    @property
    def _context(self) -> StageContext:
        catalogue = self.cut.data.catalogue
        return StageContext(catalogue, self.settings, item_vectors(catalogue, self.settings, self.runs))

    def _said(self, fold: int) -> Mapping[str, Scores]:
        """What a network that has met none of the fold's new items makes of every item, by part; kept."""
        made_of = [self._data, fold, self.passes, self.training.model_dump(mode="json"), training_code_sha256()]
        made_of += [base_sha256(self.training.base), self.cut.data.catalogue.content_hash]
        place = RankerPlace(self.runs / "cold-items" / f"fold-{fold}-{hash_of(made_of)}")
        kept = place.out.with_suffix(".npz")
        if not kept.is_file():
            scores = dict(self._scored(fold, place))
            with kept.with_suffix(".part").open("wb") as file:
                np.savez(file, allow_pickle=False, **scores)
            kept.with_suffix(".part").replace(kept)
        with np.load(kept, allow_pickle=False) as file:
            return dict(file)

    def _scored(self, fold: int, place: RankerPlace) -> Iterator[tuple[str, Scores]]:
        bench = self._bench(fold)
        place.begin(bench.data, self.training, bench.base)
        refit = Refit.prepared(bench, place, passes=self.passes)
        trainer = refit.trainer([Progress(place.work / CURVE_FILE)])
        trainer.train(resume_from_checkpoint=str(place.last_checkpoint) if place.last_checkpoint else None)
        scorer = refit.finished(trainer).scorer
        for part in ("validation", "test"):
            yield part, scorer.score_histories(self._task(fold, part).histories)

    def _bench(self, fold: int) -> TrainingBench:
        store, config, cut = AssetStore.from_environment(), self.training, self.cut
        device, name = choose_device(config.device), Path(config.base).name
        base = load_base(model_place(config.base, store), config, device, name=name, offline=store.offline)
        task = self._task(fold, "validation")
        record = ProtocolRecord.of(
            cut.splits, name=cut.bench.dataset, part="validation", core=cut.bench.core, seeds=[_SEED]
        )
        training = TrainingData(cut.data.catalogue, task, task.fit_on, record, "", ())
        return TrainingBench(RankerData(training, self._context, PromptLibrary.load()), config, base)


def keep(found: Mapping[str, Any], results: Path) -> Path:
    """Write the table into `results`."""
    path = results / f"{COLD_ITEMS}.json"
    path.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def _joined(a: Panel, b: Panel) -> Panel:
    return Panel([*a.cases, *b.cases], [*a.rankings, *b.rankings], a.max_lift)
