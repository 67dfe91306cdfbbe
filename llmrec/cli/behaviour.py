"""`llmrec evaluate --protocol behaviour`: whether scripted conversations go as they must."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmrec.cli.options import open_recommender
from llmrec.cli.output import say, say_json
from llmrec.errors import ConfigError

if TYPE_CHECKING:
    from llmrec.assistant import Assistant
    from llmrec.data.catalogue import Catalogue
    from llmrec.evaluation.behaviour import Outcome, Rates

_N_GENERATED = 50
_MAX_TOLD = 50


def evaluate_behaviour(
    directory: Path | None,
    *,
    data: Path | None,
    catalogue: Path | None,
    n_seeds: int,
    assignments: list[str] | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Print how many expectations held. Raises LLMRecError.

    Args:
        directory: A recommender all dialogues are played against; None for one without weights over each catalogue.
        data: A file or directory of dialogues; None generates 50 for each seed from each catalogue.
        catalogue: A table of items, or a directory of tables that dialogues name with `using`.
        n_seeds: For how many seeds dialogues are generated.
        assignments: Settings of this run.
        device: Where models run.
        as_json: Whether all of it is printed as one object.
    """
    from llmrec.evaluation.behaviour import rates, told

    if directory is None and catalogue is None:
        raise ConfigError(
            "the protocol behaviour needs a recommender's directory, or --catalogue with tables of items.",
            hint="See docs/dialogue.md for the layout of both files.",
        )
    if directory is not None:
        recommender = open_recommender(directory, device=device, assignments=assignments)
        subject = recommender.catalogue, recommender.assistant
        outcomes = list(_outcomes(data, [directory.name], lambda name: subject, n_seeds))
    else:
        outcomes = list(_outcomes(data, _names(catalogue), _weightless(catalogue), n_seeds))
    found = rates(outcomes)
    broken = [told(outcome) for outcome in outcomes if not outcome.held]
    if as_json:
        say_json({"rates": {name: one.to_json() for name, one in found.items()}, "failed": broken})
    else:
        _say(found, broken)


def _say(found: Mapping[str, Rates], broken: Sequence[str]) -> None:
    for name, one in found.items():
        must, should = (f"{held} of {n}" for held, n in (one.must, one.should))
        say(f"{name}: {one.n_dialogues} dialogues, must {must}, should {should}")
    for sentence in broken[:_MAX_TOLD]:
        say(sentence)
    if len(broken) > _MAX_TOLD:
        say(f"and {len(broken) - _MAX_TOLD} more; --json has them all")


def _outcomes(
    data: Path | None, names: list[str], subject: Callable[[str], tuple[Catalogue, Assistant]], n_seeds: int
) -> Iterator[Outcome]:
    from llmrec.evaluation.behaviour import play
    from llmrec.evaluation.dialogue_scripts import read_scripts
    from llmrec.evaluation.generated_dialogues import DialogueGenerator

    if data is not None:
        for script in read_scripts(data):
            yield from play(script, *subject(script.catalogue))
        return
    for name in names:
        generator = DialogueGenerator(subject(name)[0], name=name)
        for seed in range(n_seeds):
            for script in generator.generate(_N_GENERATED, seed=seed):
                yield from play(script, *subject(name))


def _names(catalogue: Path | None) -> list[str]:
    if catalogue is None:
        return []
    return sorted(path.stem for path in catalogue.glob("*.txt")) if catalogue.is_dir() else [catalogue.stem]


def _weightless(catalogue: Path | None) -> Callable[[str], tuple[Catalogue, Assistant]]:
    from functools import cache

    from llmrec.evaluation.behaviour import weightless_assistant
    from llmrec.evaluation.dialogue_catalogues import read_catalogue

    @cache
    def subject(name: str) -> tuple[Catalogue, Assistant]:
        place = catalogue or Path()
        items = read_catalogue(place / f"{name}.txt" if place.is_dir() else place)
        return items, weightless_assistant(items, name=name)

    return subject
