"""What every example does: get a recommender, say some sentences to it, and show what it answers."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from llmrec.build import Overrides, fit_dataset
from llmrec.errors import LLMRecError
from llmrec.index import save
from llmrec.recommender import Recommender
from llmrec.settings import Settings
from llmrec.types import Profile, Turn

K = 3
_LIGHT = ("encoder.model=hashing", "language_model.model=none")


def arguments(description: str) -> argparse.Namespace:
    """What the command line says: `data`, `out`, and `settings` that follow from `--light`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, help="a directory of data sets; without it they are fetched")
    parser.add_argument("--out", type=Path, default=Path("runs/examples"), help="where recommenders are kept")
    parser.add_argument("--light", action="store_true", help="no models: words count as they are, retrievers rank")
    parsed = parser.parse_args()
    parsed.settings = Settings().changed(_LIGHT if parsed.light else ())
    return parsed


def dataset_example(
    dataset: str,
    said: Sequence[str],
    *,
    description: str,
    liked: Sequence[str] = (),
    changes: Sequence[str] = (),
) -> None:
    """Build a recommender on a data set known by name, unless it is there, and talk to it.

    Args:
        dataset: As `llmrec data list` shows it.
        said: One sentence a turn.
        description: For `--help`.
        liked: Titles that are told before the first turn.
        changes: Of settings, `room.key=value`.
    """
    given = arguments(description)
    place = given.out / (f"{dataset}-light" if given.light else dataset)

    def build() -> None:
        overrides = Overrides(work_directory=place, progress=True)
        save(
            fit_dataset(dataset, given.data, settings=given.settings.changed(changes), name=None, overrides=overrides),
            place,
        )

    told(lambda: talk(built(place, build), said, liked=liked))


def built(place: Path, build: Callable[[], None]) -> Recommender:
    """The recommender in `place`, built where there is none."""
    if not (place / "manifest.json").is_file():
        place.mkdir(parents=True, exist_ok=True)
        build()
    return Recommender.from_pretrained(place)


def talk(
    recommender: Recommender, said: Sequence[str], *, user_id: str | None = None, liked: Sequence[str] = ()
) -> None:
    """Say `said`, one after the other, and print what is answered."""
    turns: tuple[Turn, ...] = ()
    profile: Profile = recommender.profile_of(liked=liked)
    for text in said:
        turns = (*turns, Turn("user", text))
        reply = recommender.chat(turns, profile, user_id=user_id, k=K)
        turns, profile = (*turns, Turn("assistant", reply.text)), reply.profile
        print(f"\n> {text}\n{reply.text}")
        for item in reply.recommendations:
            print(f"  {item.rank}. {item.title}")
            print(textwrap.indent(textwrap.fill(item.explanation, 100), "     "))


def told(run: Callable[[], None]) -> None:
    """Run, and end with one sentence instead of a traceback where something can be mended."""
    try:
        run()
    except LLMRecError as error:
        raise SystemExit(f"{error.message} {error.hint}".strip()) from error
