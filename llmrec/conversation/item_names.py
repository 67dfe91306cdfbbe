"""Items by name, spelled exactly as the catalogue does, also inside a text."""

from __future__ import annotations

from llmrec.conversation.phrases import Phrases
from llmrec.data.catalogue import Catalogue


class ItemNames:
    """Looks names of one catalogue up; items may share a name."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Index all titles of `catalogue`."""
        self._positions: dict[str, tuple[int, ...]] = {}
        for position, item in enumerate(catalogue.values()):
            self._positions[item.title] = (*self._positions.get(item.title, ()), position)
        self._phrases = Phrases(self._positions)

    def twins(self, name: str) -> tuple[int, ...]:
        """Catalogue positions of all items called `name`, none when there is no such name."""
        return self._positions.get(name, ())

    def position(self, name: str) -> int | None:
        """Catalogue position of the first item called `name`."""
        return next(iter(self.twins(name)), None)

    def found_in(self, text: str) -> tuple[int, ...]:
        """Positions of the items named in `text`, in order."""
        return tuple(self._positions[name][0] for name, _, _ in self._phrases.found_in(text))

    def without_names(self, text: str) -> str:
        """`text` with the names cut out."""
        return " ".join(self._phrases.replaced(text, lambda name: "").split())
