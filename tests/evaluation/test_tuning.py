"""A search never ends below where it began, never sees the test part, repeats itself, and goes on where it was cut."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Protocol, Split, split
from llmrec.errors import ConfigError
from llmrec.evaluation.estimates import Estimate
from llmrec.evaluation.fitting import Workshop
from llmrec.evaluation.results import Difference
from llmrec.evaluation.run import Plan, evaluate
from llmrec.evaluation.search_spaces import settings_of, with_values
from llmrec.evaluation.trial_bench import METRICS, Search, Study, TrialBench
from llmrec.evaluation.trials import Outcome, TrialLog
from llmrec.evaluation.tuning import StageTuning, Trial, Tuning, best_of, tune
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.item_vectors import embed_resumable
from llmrec.retrieval.scoring import HistoryScorer
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import STAGES, Stage, StageContext
from llmrec.types import Interaction, Item, ItemId, UserId

DAY_S = 86_400.0
ITEMS = "abcdefghij"
CATALOGUE = Catalogue(Item(ItemId(name), f"Title {name}", {}, f"about {name}") for name in ITEMS)
# Most go on to the next letter or the one after it.
ROWS = {
    "ann": "ijcefg", "bob": "abdefh", "cat": "gideja", "dan": "fghacd", "eve": "eghiaf", "fay": "acdfhi",
    "gil": "iadehb", "hal": "ghijbc", "ida": "bdeghi", "joe": "cfhdge", "kim": "fibcde", "lea": "jadefg",
}  # fmt: skip


def met(rows: Mapping[str, str] = ROWS) -> Interactions:
    return Interactions.from_rows(
        (
            Interaction(UserId(user), ItemId(item), 1.0, float(at))
            for user, items in rows.items()
            for at, item in enumerate(items)
        ),
        CATALOGUE,
    )


def cut(protocol: Protocol = "leave-last-out", interactions: Interactions | None = None) -> Split:
    return split(interactions or met(), protocol=protocol, n_folds=2)


def study(cut_data: Split) -> Study:
    return Study.of(cut_data, name="letters", core=0)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> ExactVectorStore:
    found = embed_resumable(CATALOGUE, HashingEmbedder(), tmp_path_factory.mktemp("vectors"))
    return ExactVectorStore(CATALOGUE.ids, found)


@pytest.fixture
def workshop(vectors: ExactVectorStore) -> Workshop:
    return Workshop(StageContext(CATALOGUE, Settings(), vectors=lambda: vectors))


class CountedFits:
    """The stages, each fit counted; one of them may be the moment at which somebody presses Ctrl-C."""

    def __init__(self, cut_at: int | None = None) -> None:
        self.n_fits = 0
        self._cut_at = cut_at
        self.table = {name: replace(stage, fit=self._counting(stage)) for name, stage in STAGES.items()}

    def _counting(self, stage: Stage):  # noqa: ANN202 - what a stage's fit is
        def fit(interactions: Interactions, context: StageContext, seed: int) -> HistoryScorer:
            if self.n_fits == self._cut_at:
                raise KeyboardInterrupt
            self.n_fits += 1
            return stage.fit(interactions, context, seed)

        return fit


def reached(tuning: Tuning) -> list[list[list[float]]]:
    return [[trial.outcome.values.tolist() for trial in found.trials] for found in tuning.stages]


def tried(tuning: Tuning) -> list[list[dict]]:
    return [[dict(trial.values) for trial in found.trials] for found in tuning.stages]


def test_a_better_setting_is_found_and_measured_by_hand(workshop: Workshop, tmp_path: Path) -> None:
    # Learned from: a met three times long ago, b twice lately; tom is asked for b on validation, and d nobody met.
    days = {"u": "a0", "v": "a0", "w": "a0", "x": "b1000", "y": "b1000", "tom": "c1000 b1001 d1002"}
    rows = [
        Interaction(UserId(user), ItemId(one[0]), 1.0, float(one[1:]) * DAY_S)
        for user, all_met in days.items()
        for one in all_met.split()
    ]
    here = study(cut(interactions=Interactions.from_rows(rows, CATALOGUE)))
    found = tune(here, Search(("popularity",), 8), workshop, TrialLog(tmp_path))
    [stage] = found.stages
    assert stage.trials[0].values == {"models.popularity_half_life_days": 0.0}
    assert stage.before.mean == pytest.approx(1 / np.log2(3))  # second behind a
    assert stage.reached.mean == 1.0
    # Three old ones weigh less than two new ones when 3 * 0.5 ** (1000 / h) < 2, so for any h below 1709 days.
    assert 0 < found.settings.models.popularity_half_life_days < 1709


def test_every_trial_is_what_an_evaluation_on_validation_gives(workshop: Workshop, tmp_path: Path) -> None:
    found = tune(study(cut()), Search(("transitions",), 4), workshop, TrialLog(tmp_path))
    assert len({trial.outcome.mean for trial in found.stages[0].trials}) > 1
    for trial in found.stages[0].trials:
        context = replace(workshop.context, settings=with_values(Settings(), trial.values))
        plan = Plan(("transitions",), part="validation", seeds=(0,))
        whole = evaluate([cut()], plan, Workshop(context), name="letters", core=0)
        assert trial.outcome.values.tolist() == whole.stages["transitions"].per_user["NDCG@10"].tolist()


def test_no_stage_ends_below_the_settings_that_were_there(workshop: Workshop, tmp_path: Path) -> None:
    search = Search(("hybrid", "ease", "dense"), 3)
    found = tune(study(cut()), search, workshop, TrialLog(tmp_path))
    assert [stage.stage for stage in found.stages] == ["ease", "dense", "hybrid"]
    for stage in found.stages:
        assert stage.trials[0].values == settings_of(stage.stage, Settings())
        assert stage.reached.mean >= stage.before.mean
        assert stage.chosen.outcome.mean == max(trial.outcome.mean for trial in stage.trials)


def test_the_hybrid_is_tried_as_it_was_then_with_the_tuned_parts(workshop: Workshop, tmp_path: Path) -> None:
    found = tune(study(cut()), Search(("transitions", "hybrid"), 5), workshop, TrialLog(tmp_path))
    transitions, hybrid = found.stages
    assert transitions.chosen.number > 0
    assert transitions.trials[0].values.items() <= hybrid.trials[0].values.items()
    assert transitions.chosen.values.items() <= hybrid.trials[1].values.items()
    with_transitions = [one for one in hybrid.trials[1:] if "transitions" in one.values["models.hybrid_parts"]]
    assert all(transitions.chosen.values.items() <= one.values.items() for one in with_transitions)


def test_a_later_stage_overrules_an_earlier_one_and_that_is_said(workshop: Workshop) -> None:
    def stage(name: str, values: Mapping[str, float]) -> StageTuning:
        trial = Trial(0, values, Outcome(np.ones(2), 0.0, "c0ffee"))
        return StageTuning.of(name, [trial], "NDCG@10")

    low, high = ({"retrieval.ease_regularisation": 9.0, "retrieval.ease_half_life": half} for half in (1.0, 9.0))
    settings = with_values(Settings(), high)
    stages = (stage("ease", low), stage("popularity", settings_of("popularity", settings)))
    found = Tuning(study(cut()).record, Search(("ease",)), stages, settings)
    assert found.overruled == ("ease",)
    assert found.n_of_other_code == 2


class Sealed:
    """Tasks that nobody may look at."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("the test part was looked at")

    __getitem__ = __len__ = __iter__


def test_the_test_part_is_never_looked_at(workshop: Workshop, tmp_path: Path) -> None:
    sealed = replace(cut(), test=Sealed())
    with pytest.raises(AssertionError, match="looked at"):
        list(sealed.test)
    found = tune(study(sealed), Search(("ease", "hybrid"), 2), workshop, TrialLog(tmp_path))
    assert found.record.part == "validation"


def test_other_test_answers_change_no_trial(workshop: Workshop, tmp_path: Path) -> None:
    others = {
        user: items[:-1] + next(one for one in reversed(ITEMS) if one not in items) for user, items in ROWS.items()
    }
    assert all(others[user][-1] != items[-1] for user, items in ROWS.items())
    search = Search(("itemknn", "slit", "hybrid"), 2)
    first = tune(study(cut()), search, workshop, TrialLog(tmp_path / "a"))
    second = tune(study(cut(interactions=met(others))), search, workshop, TrialLog(tmp_path / "b"))
    assert first.record.data.sha256 != second.record.data.sha256
    assert (reached(first), tried(first), first.settings) == (reached(second), tried(second), second.settings)


def test_the_same_seed_gives_the_same_and_another_one_does_not(workshop: Workshop, tmp_path: Path) -> None:
    stages = ("transitions", "slit")
    runs = [
        tune(study(cut()), Search(stages, 4, seed=seed), workshop, TrialLog(tmp_path / name))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert (tried(runs[0]), reached(runs[0])) == (tried(runs[1]), reached(runs[1]))
    assert tried(runs[0])[0][0] == tried(runs[2])[0][0]
    assert tried(runs[0])[0][1:] != tried(runs[2])[0][1:]


@pytest.mark.parametrize("cut_at", [0, 3, 5])
def test_a_run_that_was_cut_goes_on_and_fits_nothing_twice(workshop: Workshop, tmp_path: Path, cut_at: int) -> None:
    search = Search(("slit", "dense"), 4)
    whole = CountedFits()
    at_once = tune(study(cut()), search, workshop, TrialLog(tmp_path / "a"), stages=whole.table)
    first, second = CountedFits(cut_at=cut_at), CountedFits()
    with pytest.raises(KeyboardInterrupt):
        tune(study(cut()), search, workshop, TrialLog(tmp_path / "b"), stages=first.table)
    resumed = tune(study(cut()), search, workshop, TrialLog(tmp_path / "b"), stages=second.table)
    assert (whole.n_fits, first.n_fits, second.n_fits) == (8, cut_at, 8 - cut_at)
    assert (tried(resumed), reached(resumed)) == (tried(at_once), reached(at_once))
    assert resumed.settings == at_once.settings


def test_more_trials_go_on_from_fewer(workshop: Workshop, tmp_path: Path) -> None:
    few = tune(study(cut()), Search(("slit",), 3), workshop, TrialLog(tmp_path))
    fits = CountedFits()
    many = tune(study(cut()), Search(("slit",), 5), workshop, TrialLog(tmp_path), stages=fits.table)
    assert tried(many)[0][:3] == tried(few)[0]
    assert fits.n_fits == 2


def test_other_data_metrics_and_seeds_are_measured_anew(workshop: Workshop, tmp_path: Path) -> None:
    log, fits = TrialLog(tmp_path), CountedFits()
    once = Search(("popularity",), 1)
    other_rows = study(cut(interactions=met({**ROWS, "meg": "jihgf"})))
    for where, search in (
        (study(cut()), once),
        (study(cut()), once),
        (other_rows, once),
        (study(cut("random-one-out")), once),
        (study(cut()), replace(once, metric="R@1")),
        (study(cut()), replace(once, seed=1)),
    ):
        tune(where, search, workshop, log, stages=fits.table)
    assert fits.n_fits == len(log) == 5


@pytest.mark.parametrize("stage", ["ease", "transitions"])
def test_a_half_life_is_read_without_a_fit_and_gives_the_same(stage: str, workshop: Workshop, tmp_path: Path) -> None:
    fits = CountedFits()
    found = tune(study(cut()), Search((stage,), 24), workshop, TrialLog(tmp_path), stages=fits.table)
    trials = found.stages[0].trials
    assert fits.n_fits < len(trials)
    for trial in trials:
        fresh = TrialBench(
            study(cut()),
            Search((stage,)),
            stage,
            STAGES[stage],
            workshop.context,
            TrialLog(tmp_path / str(trial.number)),
        )
        assert fresh.outcome(trial.values, number=0)[0].values.tolist() == trial.outcome.values.tolist()


def test_all_folds_of_cold_items_are_measured_on_the_whole_catalogue(workshop: Workshop, tmp_path: Path) -> None:
    folds = cut("cold-items")
    assert len(folds.validation) == 2
    found = tune(study(folds), Search(("dense",), 2), workshop, TrialLog(tmp_path))
    values = found.stages[0].trials[0].outcome.values
    plan = Plan(("dense",), part="validation", seeds=(0,))
    whole = evaluate([folds], plan, workshop, name="letters", core=0).stages["dense@all"].per_user["NDCG@10"]
    assert sorted(values.tolist()) == pytest.approx(sorted(whole.tolist()))


def test_networks_are_tuned_by_what_their_training_says(workshop: Workshop, tmp_path: Path) -> None:
    small = [f"models.sequential_{one}" for one in ("max_epochs=1", "n_heads=1", "n_blocks=1", "dim=4")]
    here = Workshop(replace(workshop.context, settings=Settings().changed(small)))
    found = tune(study(cut()), Search(("text_sequential", "sasrec"), 2), here, TrialLog(tmp_path))
    assert [stage.stage for stage in found.stages] == ["sasrec", "text_sequential"]
    assert [len(stage.trials) for stage in found.stages] == [2, 2]


def test_a_search_ends_when_nothing_new_can_be_drawn(workshop: Workshop, tmp_path: Path) -> None:
    # Its one setting is a whole number from 1 to 100.
    found = tune(study(cut()), Search(("dense",), 200), workshop, TrialLog(tmp_path))
    tried_numbers = [trial.values["models.dense_n_items"] for trial in found.stages[0].trials]
    assert len(tried_numbers) == len(set(tried_numbers)) <= 100


def stage_of(*values: Sequence[float]) -> StageTuning:
    trials = [Trial(number, {}, Outcome(np.array(one), 0.0, "c")) for number, one in enumerate(values)]
    return StageTuning.of("ease", trials, "NDCG@10")


def test_the_first_of_equals_is_chosen_and_the_settings_stay() -> None:
    found = stage_of([0.5, 0.5], [1.0, 0.0])
    assert (found.chosen.number, found.difference) == (0, None)
    assert found.before == found.reached == Estimate(0.5, (0.5, 0.5))


def test_a_better_mean_is_chosen_even_when_chance_could_have_made_it() -> None:
    found = stage_of([0.0, 0.5, 0.4], [1.0, 0.4, 0.4])
    assert found.chosen.number == 1
    assert isinstance(found.difference, Difference)
    assert found.difference.mean == pytest.approx(0.3)
    assert not found.difference.is_shown
    assert stage_of([0.0, 0.1, 0.2], [0.5, 0.6, 0.7]).difference.is_shown
    assert best_of(found.trials) is found.chosen


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stages": ("lm",)}, "the stage 'lm' is not tuned"),
        ({"stages": ("eese",)}, "no stage is called 'eese'. Did you mean 'ease'"),
        ({"stages": ()}, "a search needs a stage"),
        ({"n_trials": 0}, "n_trials 0"),
        ({"seed": -1}, "seed -1"),
        ({"metric": "NDCG@7"}, "no search can go by 'NDCG@7'"),
        ({"metric": "coverage@10"}, "no search can go by 'coverage@10'"),
    ],
)
def test_what_cannot_be_searched_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Search(**{"stages": ("ease",), **wrong})


def test_a_search_can_go_by_every_metric_of_accuracy(workshop: Workshop, tmp_path: Path) -> None:
    for metric in ("R@1", "MRR@50", "F1@5"):
        assert metric in METRICS
        found = tune(study(cut()), Search(("popularity",), 1, metric), workshop, TrialLog(tmp_path))
        assert np.isfinite(found.stages[0].reached.mean)
