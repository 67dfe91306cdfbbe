"""Which systems are compared, and by which levers the quick one came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.lm_speed.arithmetic import Arithmetic, n_shared
from benchmarks.lm_speed.loaded import Loaded
from benchmarks.lm_speed.ours import Isolated, Listwise, Mode, Text
from benchmarks.lm_speed.peers import DecisionPipeline, GenerateAndParse, PlainLetters, Pointwise, Stock
from benchmarks.lm_speed.systems import System
from benchmarks.lm_speed.users import Case, Users
from llmrec.language_model.devices import choose_dtype

ISOLATED, PLAIN, FAST = "isolated", "isolated_plain", "isolated_fast"
DECISION, POINTWISE = "decision_pipeline", "pointwise"
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Models:
    """Directories of models whose adapters are part of their weights.

    Attributes:
        fast: One with fewer layers; None leaves its system out.
        fast_mode: How that judges candidates apart.
    """

    main: Path
    fast: Path | None = None
    fast_mode: Mode = "isolated"


class Reading:
    """How much arithmetic an isolated ranking is, beside products of matrices in the same number format."""

    def __init__(self, isolated: Isolated, other: Case) -> None:
        """Of `isolated`, which read the prompt of `other` before."""
        self._isolated = isolated
        self._arithmetic = Arithmetic(isolated.loaded.model)
        self._read_before = isolated.ids(other)

    def n_tokens(self, case: Case) -> int:
        """Of prompt and candidates."""
        return self._isolated.ids(case).n_tokens

    def ranking_flop(self, case: Case) -> float:
        """Operations that ranking for a user needs."""
        ids = self._isolated.ids(case)
        n_known = n_shared(ids, self._read_before)
        return self._arithmetic.ranking_flop(ids, self._isolated.wanted, n_known=n_known)

    def products_flop(self, case: Case) -> float:
        """Operations of `multiply`."""
        return self._arithmetic.layers_flop(self.n_tokens(case))

    def multiply(self, case: Case) -> Sequence[float]:
        """Nothing but the products of as many tokens with every layer's weights; it says nothing of candidates."""
        self._arithmetic.multiply(self.n_tokens(case))
        return ()


@dataclass(frozen=True)
class LineUp:
    """All that is timed in one run.

    Attributes:
        systems: What is compared.
        levers: Steps from one plain pass to `isolated`, each with one lever more; a step may be one of `systems`.
        products: By number format, the products of matrices alone.
        readings: By name of a system, its arithmetic and its number format.
    """

    systems: tuple[System, ...]
    levers: tuple[System, ...]
    products: Mapping[str, System]
    readings: Mapping[str, tuple[Reading, str]]

    @property
    def all_timed(self) -> tuple[System, ...]:
        """Everything, each once."""
        return tuple({one.name: one for one in (*self.systems, *self.levers, *self.products.values())}.values())

    @property
    def judged(self) -> tuple[System, ...]:
        """Ours whose quality a lever may have changed, and what they are compared with."""
        return tuple(one for one in self.systems if one.name in {ISOLATED, PLAIN, FAST})


def line_up(models: Models, users: Users, short: Text, *, mode: Mode = "isolated") -> LineUp:
    """The systems of a run, models loaded.

    Args:
        models: Where they are.
        users: The last of them warms up what the others are measured with.
        short: The shorter text.
        mode: How candidates are judged apart, as the adapter was trained.

    Raises:
        ModelError: A model cannot be loaded or cannot rank so.
    """
    quick_format, name, catalogue = choose_dtype("fast", _CPU), models.main.name, users.catalogue
    exact_model = Loaded.of(models.main, name=name, dtype=torch.float32, device=_CPU)
    quick_model = Loaded.of(models.main, name=name, dtype=quick_format, device=_CPU)
    exact = Isolated(exact_model, catalogue, Text(), mode=mode)
    quick = Isolated(quick_model, catalogue, short, mode=mode)
    long = Isolated(quick_model, catalogue, Text(), mode=mode)
    quick_name = str(quick_format).removeprefix("torch.")
    readings = {
        PLAIN: (Reading(exact, users.cases[-1]), "float32"),
        ISOLATED: (Reading(quick, users.cases[-1]), quick_name),
    }
    ours = [
        System(ISOLATED, f"candidates apart, all levers: {quick_name}, {short}", quick.score),
        System(PLAIN, "candidates apart, the peers' text, float32", exact.score),
    ]
    if models.fast:
        fewer = Loaded.of(models.fast, name=name, dtype=quick_format, device=_CPU)
        fast = Isolated(fewer, catalogue, short, mode=models.fast_mode)
        ours.append(System(FAST, "as isolated, with fewer layers", fast.score))
    return LineUp(
        (*ours, *_others(models, Isolated(exact_model, catalogue, Text()), users)),
        (
            *_without_levers(exact),
            System(PLAIN, "+ prefix reuse: what users' prompts begin with alike is read once", exact.score),
            System("+ number format", quick_name, long.score),
            System(ISOLATED, f"+ shorter text: {short}", quick.score),
        ),
        {
            kind: System(f"products in {kind}", "matrices alone", reading.multiply)
            for reading, kind in readings.values()
        },
        readings,
    )


def _without_levers(exact: Isolated) -> list[System]:
    """What serving does no more; only for questions of yes or no, where one token of each candidate is read."""
    if exact.mode != "isolated":
        return []
    return [
        System("one pass", "one packed row, logits at every token, nothing remembered", exact.score_in_one_pass),
        System("+ rows", "candidates in rows, last layer and head at their ends only", exact.score_forgetting),
    ]


def _others(models: Models, exact: Isolated, users: Users) -> list[System]:
    catalogue, stock = users.catalogue, Stock.of(models.main)
    n_candidates = len(users.cases[0].item_ids)
    listwise = Listwise(exact.loaded, catalogue, n_candidates=n_candidates)
    return [
        System("listwise", "all candidates under labels in one prompt, float32", listwise.score),
        System("generate_parse", "a list written and parsed", GenerateAndParse(stock, catalogue).score, is_dear=True),
        System(POINTWISE, "CrossEncoder, one prompt each", Pointwise(models.main, exact).score, is_dear=True),
        System(DECISION, "transformers' decision pipeline", DecisionPipeline(stock, catalogue).score),
        System("plain_letters", "one plain pass with letters", PlainLetters(stock, catalogue).score),
    ]
