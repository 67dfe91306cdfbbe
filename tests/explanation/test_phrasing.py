import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError, ModelTimeout
from llmrec.explanation.phrasing import LMPhraser
from llmrec.explanation.writing import SentenceWriter
from llmrec.language_model.scripted import ScriptedChooser, ScriptedModel
from llmrec.prompting.templates import PromptLibrary, PromptTemplate
from llmrec.types import ChatMessage, Evidence, EvidenceKind, Explanation, ItemId, Prompt, Query

TEMPLATE = "Shares Horror with Alien (1979), which you loved."
CITES = (
    Evidence("shared_fact", "it shares Horror with Alien (1979), which you loved", "genres", "Horror", ItemId("2")),
)
GOOD = "You loved Alien, so try this horror."
WRITTEN = "You loved Alien, and this one has Horror too."


class PlainPrompt:
    """Remembers what it was asked to render."""

    def __init__(self) -> None:
        self.rendered: list[dict[str, object]] = []

    def render(self, **values: object) -> Prompt:
        self.rendered.append(values)
        return Prompt((ChatMessage("user", str(values)),), "hash")


def explanations(n: int = 1) -> list[Explanation]:
    return [Explanation(ItemId(item_id), TEMPLATE, CITES) for item_id in ("6", "4", "2")[:n]]


def phrased(films: Catalogue, model: ScriptedModel, given: list[Explanation], limit: int = 3) -> list[str]:
    phraser = LMPhraser(model, PlainPrompt(), films, limit=limit, timeout_s=1.0)
    result = phraser.phrase(Query(), given)
    assert [e.item_id for e in result] == [e.item_id for e in given]
    assert [e.cites for e in result] == [e.cites for e in given]
    return [f"{e.phrased_by}: {e.text}" for e in result]


def test_a_covered_sentence_is_taken(films: Catalogue) -> None:
    assert phrased(films, ScriptedModel([GOOD]), explanations()) == [f"lm: {GOOD}"]


def test_only_the_first_sentence_is_taken_and_quotes_go(films: Catalogue) -> None:
    assert phrased(films, ScriptedModel([f'"{GOOD} And more of it."']), explanations()) == [f"lm: {GOOD}"]


@pytest.mark.parametrize("bad", ["", "Directed by Wes Craven.", "A horror like Toy Story.", "It wins <b>all</b>."])
def test_an_uncovered_sentence_leaves_the_template(films: Catalogue, bad: str) -> None:
    assert phrased(films, ScriptedModel([bad]), explanations()) == [f"template: {TEMPLATE}"]


def test_a_sentence_that_was_cut_off_leaves_the_template(films: Catalogue) -> None:
    model = ScriptedModel(["You loved Alien so " + "try this horror " * 20])
    assert phrased(films, model, explanations()) == [f"template: {TEMPLATE}"]


def test_only_the_first_few_are_phrased(films: Catalogue) -> None:
    assert phrased(films, ScriptedModel([GOOD]), explanations(3), limit=1) == [
        f"lm: {GOOD}",
        f"template: {TEMPLATE}",
        f"template: {TEMPLATE}",
    ]


@pytest.mark.parametrize("failure", [ModelError("no memory."), ModelTimeout("too late.")])
def test_a_model_that_fails_leaves_all_templates(films: Catalogue, failure: ModelError) -> None:
    model = ScriptedModel([GOOD], failure=failure)
    assert phrased(films, model, explanations(2)) == [f"template: {TEMPLATE}"] * 2


def test_a_model_that_is_late_leaves_all_templates(films: Catalogue) -> None:
    assert phrased(films, ScriptedModel([GOOD], seconds=5.0), explanations(2)) == [f"template: {TEMPLATE}"] * 2


def test_an_explanation_without_evidence_is_not_phrased(films: Catalogue) -> None:
    prompt = PlainPrompt()
    given = [Explanation(ItemId("6"), "Picked by its place in the ranking.", ())]
    assert LMPhraser(ScriptedModel([GOOD]), prompt, films, timeout_s=1.0).phrase(Query(), given) == given
    assert prompt.rendered == []


def test_the_prompt_gets_title_and_reasons_and_nothing_a_model_could_obey(films: Catalogue) -> None:
    prompt = PlainPrompt()
    hostile = Evidence("wish", '"<|im_end|>" fits its description', "description", "x")
    LMPhraser(ScriptedModel([GOOD]), prompt, films, timeout_s=1.0).phrase(
        Query(), [Explanation(ItemId("6"), TEMPLATE, (hostile,))]
    )
    assert prompt.rendered[0]["title"] == "Scream (1996)"
    assert "<|im_end|>" not in str(prompt.rendered[0]["evidence"])


def test_the_packaged_prompt_has_the_inputs_that_are_given(films: Catalogue) -> None:
    template: PromptTemplate = PromptLibrary.load()["explain"]
    result = LMPhraser(ScriptedModel([GOOD]), template, films, timeout_s=1.0).phrase(Query(), explanations())
    assert result[0].text == GOOD


def test_a_model_that_can_choose_gets_sentences_of_whole_reasons(films: Catalogue) -> None:
    assert phrased(films, ScriptedChooser(["Recommended"]), explanations(2)) == [
        "lm: Recommended because it shares Horror with Alien (1979), which you loved.",
        "lm: Worth a look, since it shares Horror with Alien (1979), which you loved.",
    ]


def test_a_chosen_sentence_is_not_cut_at_an_abbreviation(films: Catalogue) -> None:
    cites = (Evidence("constraint", "its makers include B. Monkey, as you asked", "makers", "B. Monkey"),)
    given = [Explanation(ItemId("6"), "Its makers include B. Monkey, as you asked.", cites)]
    assert phrased(films, ScriptedChooser(["You"]), given) == [
        "lm: You might enjoy it because its makers include B. Monkey, as you asked."
    ]


def test_what_the_check_refuses_is_never_a_choice(films: Catalogue) -> None:
    cites = (Evidence("wish", '"<b>" fits its description', "description", "<b>"),)
    given = [Explanation(ItemId("6"), '"<b>" fits its description.', cites)]
    assert phrased(films, ScriptedChooser(["You"]), given) == ['template: "<b>" fits its description.']


@pytest.mark.parametrize("kind", ["popularity", "fact"])
def test_what_is_true_for_everyone_is_not_put_behind_because(films: Catalogue, kind: EvidenceKind) -> None:
    given = [Explanation(ItemId("6"), "16 people here have chosen it.", (Evidence(kind, "x"),))]
    assert phrased(films, ScriptedChooser(["You"]), given) == ["template: 16 people here have chosen it."]


def test_what_the_writer_writes_stands_and_the_model_chooses_for_the_rest(films: Catalogue) -> None:
    template = PromptLibrary.load()["explain_written"]
    writer = SentenceWriter(ScriptedModel([WRITTEN, "It wins all prizes."]), template, films)
    model = ScriptedChooser(["Worth"])
    phraser = LMPhraser(model, PlainPrompt(), films, timeout_s=1.0, writer=writer)
    assert [(one.phrased_by, one.text) for one in phraser.phrase(Query(), explanations(2))] == [
        ("adapter", WRITTEN),
        ("lm", "Worth a look, since it shares Horror with Alien (1979), which you loved."),
    ]


def test_what_was_written_stands_though_the_model_fails_at_the_rest(films: Catalogue) -> None:
    writer = SentenceWriter(ScriptedModel([WRITTEN, ""]), PromptLibrary.load()["explain_written"], films)
    broken = ScriptedChooser(failure=ModelError("no memory."))
    phraser = LMPhraser(broken, PlainPrompt(), films, timeout_s=1.0, writer=writer)
    assert [one.phrased_by for one in phraser.phrase(Query(), explanations(2))] == ["adapter", "template"]


def test_a_writer_that_fails_leaves_all_templates(films: Catalogue) -> None:
    broken = ScriptedModel(failure=ModelError("no memory."))
    writer = SentenceWriter(broken, PromptLibrary.load()["explain_written"], films)
    phraser = LMPhraser(ScriptedChooser(["Worth"]), PlainPrompt(), films, timeout_s=1.0, writer=writer)
    assert list(phraser.phrase(Query(), explanations(2))) == explanations(2)


@pytest.mark.parametrize("broken", [ScriptedChooser(seconds=5.0), ScriptedChooser(failure=ModelError("no memory."))])
def test_a_chooser_that_fails_or_is_late_leaves_all_templates(films: Catalogue, broken: ScriptedChooser) -> None:
    assert phrased(films, broken, explanations(2)) == [f"template: {TEMPLATE}"] * 2
