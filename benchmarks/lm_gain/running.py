"""One benchmark from training to table: how long it takes, and doing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lm_gain.adapters import adapter_of, train
from benchmarks.lm_gain.measuring import Measuring, learned_weights, over_seeds
from benchmarks.lm_gain.recipe import STAGES, Recipe
from benchmarks.lm_gain.table import HEADLINE, Table, read
from benchmarks.side_by_side.bench import Cut
from benchmarks.side_by_side.table import note_look, read_table
from llmrec.data.splits import Part
from llmrec.evaluation.slate_metrics import SLATE_NDCG

Say = Callable[[str], None]
_MINUTES_PER_100K = 10.0  # of one core that has AMX, see the preset


@dataclass(frozen=True)
class Plan:
    """What to do with a benchmark.

    Attributes:
        part: `validation` looks at no test row and keeps no table.
        runs: Where everything that can be made again is kept.
        results: Where tables are kept.
    """

    seeds: tuple[int, ...]
    part: Part
    runs: Path
    results: Path


def estimated(cut: Cut, recipe: Recipe, plan: Plan) -> str:
    """How many adapters are left to train, and how long that takes by those that were trained before."""
    adapters = [adapter_of(cut, recipe, seed=seed, runs=plan.runs) for seed in plan.seeds]
    spent = [adapter.about["seconds"] / 60 for adapter in adapters if adapter.is_there]
    each = max(spent, default=_MINUTES_PER_100K * len(cut.data.interactions) / 100_000)
    each = min(each, recipe.max_minutes or each)
    by = "earlier ones" if spent else "the preset's own estimate, and never more than --max-minutes"
    n_left = len(adapters) - len(spent)
    measuring = len(plan.seeds) * _measuring_s(cut, plan) / 60
    return (
        f"{n_left} of {len(adapters)} adapters to train, about {n_left * each:.0f} minutes by {by}; "
        f"then measuring, at most {measuring:.0f} minutes of fitting by the kept tables (0 where there is none)"
    )


def _measuring_s(cut: Cut, plan: Plan) -> float:
    """Seconds of fitting the retriever twice, for validation and for the test, as kept tables have it."""
    own, quality = read(cut.bench.name, plan.results), read_table(cut.bench, plan.results)
    known = own["seconds"].get("retrieval") if own else quality["seconds"].get("hybrid") if quality else None
    return 2.0 * float(known["fit"]) if known else 0.0


def compare(cut: Cut, recipe: Recipe, plan: Plan, *, say: Say) -> Table:
    """Train, measure and, of test rows, keep.

    Raises:
        LLMRecError: An adapter cannot be trained, or a stage not be had.
    """
    look = looks(cut, "benchmarks.ranker run", plan)
    measuring = Measuring(cut, recipe, plan.part, plan.runs, look)
    adapters, found = [], {}
    for seed in plan.seeds:
        adapter = train(cut, recipe, seed=seed, runs=plan.runs)
        adapters.append(adapter)
        say(f"seed {seed}: adapter {adapter.to_json()}")
        found[seed] = measuring.kept(adapter, seed)
    table = Table(cut.bench.name, over_seeds(cut, plan.part, found), found, adapters, recipe)
    _say_table(table, say)
    if plan.part == "test":
        say(f"kept {table.keep(plan.results)}")
    return table


def looks(cut: Cut, who: str, plan: Plan) -> Callable[[], None]:
    """What notes a look at test rows."""
    return lambda: note_look(cut.bench, who, STAGES, results=plan.results)


def _say_table(table: Table, say: Say) -> None:
    stages = table.whole.stages
    width = max(map(len, stages))
    say(f"{'stage'.ljust(width)}  {HEADLINE}                    {SLATE_NDCG}  users/s")
    for name, stage in stages.items():
        at = stage.estimates[HEADLINE]
        cells = f"{at.mean:.4f} ({at.ci95[0]:.4f} to {at.ci95[1]:.4f})  {stage.estimates[SLATE_NDCG].mean:13.4f}"
        say(f"{name.ljust(width)}  {cells}  {stage.users_per_s:7.0f}")
    for name, weights in learned_weights(table.found).items():
        say(f"{name} weighs {weights}")
    say(f"fused over fused_without_lm: {table.claim}")
