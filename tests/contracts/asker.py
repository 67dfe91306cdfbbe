"""What every Asker must do; a test class inherits from the suite and gives it an `asker` over `films`."""

from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import Asker
from llmrec.types import Profile, Query


class AskerContract:
    """Inherit and define the fixture `asker`, which asks somebody unknown about `films`."""

    def test_asks_about_a_fact_of_the_catalogue(self, asker: Asker, films: Catalogue) -> None:
        asked = asker.ask(Query(), films.ids, k=1, turn=3)
        assert asked is not None
        assert asked.field in films.fields
        assert asked.turn == 3
        assert asked.values

    def test_never_asks_the_same_again(self, asker: Asker, films: Catalogue) -> None:
        profile, asked = Profile(), []
        for turn in range(1, 20):
            question = asker.ask(Query(profile=profile), films.ids, k=1, turn=turn)
            if question is None:
                break
            asked.append(question)
            profile = Profile(asked=tuple(asked))
        assert len({question.field for question in asked}) == len(asked) <= len(films.fields)

    def test_asks_nothing_when_all_that_is_left_can_be_shown(self, asker: Asker, films: Catalogue) -> None:
        assert asker.ask(Query(), films.ids[:3], k=3, turn=1) is None
        assert asker.ask(Query(), (), k=3, turn=1) is None

    def test_the_same_candidates_give_the_same_question(self, asker: Asker, films: Catalogue) -> None:
        assert asker.ask(Query(), films.ids, k=1, turn=1) == asker.ask(Query(), films.ids, k=1, turn=1)
