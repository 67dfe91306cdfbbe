from pathlib import Path

import pytest

from llmrec.errors import ConfigError, DataError, ModelError
from llmrec.language_model.scripted import ScriptedModel
from llmrec.prompt_ranker import PromptRanker
from tests.language_model.tiny import save_tiny_model
from tests.ranking.test_listwise import horror, prefers


@pytest.fixture
def ranker() -> PromptRanker:
    return PromptRanker(ScriptedModel(score=prefers(horror), label_mass=0.9))


def test_titles_are_ranked_for_a_history_of_titles(ranker: PromptRanker) -> None:
    ranked = ranker.rank(["Alien (1979)"], ["Toy Story (1995)", "Horror House"])
    assert [(item.item_id, item.title, item.rank) for item in ranked] == [
        ("Horror House", "Horror House", 1),
        ("Toy Story (1995)", "Toy Story (1995)", 2),
    ]
    assert ranked[0].score > ranked[1].score
    assert ranked[0].label_mass == 0.9


def test_mappings_bring_ids_facts_and_descriptions(ranker: PromptRanker) -> None:
    items = [{"item_id": 7, "title": "One"}, {"item_id": "b", "title": "Two", "genres": ["Horror"], "year": None}]
    assert [item.item_id for item in ranker.rank([], items)] == ["b", "7"]


def test_an_item_of_the_history_may_be_ranked_again(ranker: PromptRanker) -> None:
    assert len(ranker.rank(["One"], ["One", "Two"])) == 2


def test_top_k_cuts_the_list(ranker: PromptRanker) -> None:
    assert [item.rank for item in ranker.rank([], ["a", "b", "c"], top_k=2)] == [1, 2]


def test_nothing_to_rank_is_an_empty_list(ranker: PromptRanker) -> None:
    assert ranker.rank(["One"], []) == []


def test_an_own_prompt_is_used_as_text_or_file(tmp_path: Path) -> None:
    text = "{% for item in items %}{{ item.label }}. {{ item.text }} Horror\n{% endfor %}"
    path = tmp_path / "own.jinja"
    path.write_text(f"---\nversion: 1\ndescription: x\ninputs: [items]\n---\n{text}")
    ranker = PromptRanker(ScriptedModel(score=prefers(horror)))
    for prompt in (text, path):
        assert ranker.rank([], ["a", "b"], prompt=prompt)[0].score == pytest.approx(-0.6931, abs=1e-3)


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        (["a", "a"], DataError, "stands twice"),
        ([{"name": "a"}], DataError, "item 0 is .*; an item is a title"),
        ([""], DataError, "item 0 is ''"),
    ],
)
def test_unusable_items_are_named(ranker: PromptRanker, items: list, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ranker.rank([], items)


def test_a_wrong_top_k_is_named(ranker: PromptRanker) -> None:
    with pytest.raises(ConfigError, match="top_k is 0"):
        ranker.rank([], ["a"], top_k=0)


def test_a_model_that_fails_raises(ranker: PromptRanker) -> None:
    with pytest.raises(ModelError, match=r"gone\."):
        PromptRanker(ScriptedModel(failure=ModelError("gone."))).rank([], ["a", "b"])


def test_a_model_directory_is_all_it_takes(tmp_path: Path) -> None:
    ranker = PromptRanker.from_pretrained(save_tiny_model(tmp_path / "tiny"), device="cpu")
    assert {item.title for item in ranker.rank(["x"], ["a", "b"], prompt="{{ items | length }}")} == {"a", "b"}
