"""What the panel says of the user."""

from llmrec.data.catalogue import Catalogue
from llmrec.types import Constraint, LeaningEntry, Profile
from llmrec.ui.panel import panel_html
from llmrec.ui.words import words_in


def test_what_vague_words_were_taken_for_is_shown_as_such_and_can_be_removed(films: Catalogue) -> None:
    leaning = LeaningEntry(Constraint("genres", "$eq", "Comedy"), 0, "a <rough> day", "encoder")
    html = str(panel_html(Profile(leanings=(leaning,)), films, words_in("en")))
    assert "Taken from your words" in html
    assert "a &lt;rough&gt; day" in html
    assert 'data-section="leanings"' in html
