"""Scores from item tokens: what they depend on, and what loading refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ArtifactError, ConfigError, LLMRecError, ModelError
from llmrec.language_model.item_texts import mean_embeddings
from llmrec.language_model.item_token_files import load_item_tokens, vocabulary_of
from llmrec.language_model.item_token_network import IGNORED, ItemTokenShape, first_layers
from llmrec.language_model.item_tokens import ItemTokenScorer
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.prompt_ranker import PromptRanker
from llmrec.types import Item, ItemId
from tests.contracts.history_scorer import HistoryScorerContract, histories_of
from tests.language_model.tiny import save_tiny_model, tiny_model, tiny_tokenizer
from tests.language_model.tiny_items import NAME, drawn_network, drawn_scorer, saved

KNOWN = tuple(map(ItemId, ("2", "3", "5", "7", "8", "9", "10")))  # of the films; 1, 4 and 6 are cold
WEIGHTS, ITEMS, ABOUT = "adapter_model.safetensors", "item_tokens.safetensors", "item_tokens.json"


def load(directory: Path, items: Catalogue, *, base_name: str = NAME) -> ItemTokenScorer:
    return load_item_tokens(tiny_model(), tiny_tokenizer(), directory, items, base_name=base_name)


class TestItemTokenScorer(HistoryScorerContract):
    @pytest.fixture
    def scorer(self, films: Catalogue) -> ItemTokenScorer:
        return drawn_scorer(films, KNOWN)


class TestLoadedItemTokenScorer(HistoryScorerContract):
    @pytest.fixture
    def scorer(self, films: Catalogue, tmp_path: Path) -> ItemTokenScorer:
        saved(tmp_path, films, KNOWN)
        return load(tmp_path, films)


def test_what_was_saved_scores_as_before(films: Catalogue, tmp_path: Path) -> None:
    histories = histories_of(films, [("2", "3"), ("1", "4"), ("7", "8", "9", "10", "2", "5")])
    before = saved(tmp_path / "steps", films, KNOWN)
    after = load(tmp_path / "steps", films)
    assert after.adapter == "steps"
    assert after.name == NAME
    np.testing.assert_array_equal(after.score_histories(histories), before.score_histories(histories))


def test_only_the_newest_items_are_read_in_their_order(films: Catalogue) -> None:
    scorer = drawn_scorer(films, KNOWN)
    rows = [("7", "2", "3", "5", "8", "9"), ("10", "2", "3", "5", "8", "9"), ("7", "3", "2", "5", "8", "9")]
    first, other_oldest, other_order = scorer.score_histories(histories_of(films, rows))
    np.testing.assert_allclose(first, other_oldest, atol=1e-6)
    assert np.abs(first - other_order).max() > 1e-3


def test_without_a_history_all_items_score_zero(films: Catalogue) -> None:
    table = drawn_scorer(films, KNOWN).score_histories(histories_of(films, [(), ("2",)]))
    assert not table[0].any()
    assert table[1].all()


def test_a_cold_item_is_read_and_scored_by_its_text(films: Catalogue) -> None:
    twin = replace(films[ItemId("4")], id=ItemId("twin"))
    catalogue = Catalogue([*films.values(), twin])
    table = drawn_scorer(catalogue, KNOWN).score_histories(histories_of(catalogue, [("2", "4"), ("2", "twin")]))
    np.testing.assert_allclose(table[0], table[1], atol=1e-6)
    np.testing.assert_allclose(table[:, 3], table[:, -1], atol=1e-6)
    assert abs(float(table[0, 0] - table[0, 3])) > 1e-3


def test_a_cold_items_bias_is_the_lowest_that_was_learned(films: Catalogue) -> None:
    network, words, _ = drawn_network(films, KNOWN)
    lowered = histories_of(films, [("2",)])
    before = ItemTokenScorer(network, words, name=NAME).score_histories(lowered)[0]
    with torch.no_grad():
        network.bias[network.bias.argmin()] -= 3
    after = ItemTokenScorer(network, words, name=NAME).score_histories(lowered)[0]
    cold = words.numbers < 0
    np.testing.assert_allclose(after[cold], before[cold] - 3, atol=1e-5)


def test_an_item_that_came_later_or_lost_its_title_is_cold(films: Catalogue, tmp_path: Path) -> None:
    histories = histories_of(films, [("2", "3")])
    before = saved(tmp_path, films, KNOWN).score_histories(histories)[0]
    renamed = [replace(item, title="Brazil (1985)") if item.id == "9" else item for item in films.values()]
    after = load(tmp_path, Catalogue([*renamed, Item(ItemId("11"), "Brazil (1985)", films[ItemId("9")].facts)]))
    row = after.score_histories(histories)[0]
    kept = [place for place, item_id in enumerate(films) if item_id != "9"]
    np.testing.assert_allclose(row[kept], before[kept], atol=1e-6)
    assert row[films.position(ItemId("9"))] == pytest.approx(row[-1], abs=1e-5)


def test_padding_and_company_change_no_loss(films: Catalogue) -> None:
    network, _, _ = drawn_network(films, KNOWN)
    items, targets = torch.tensor([[0, 1, 2], [3, 0, 0]]), torch.tensor([[1, 2, 3], [4, IGNORED, IGNORED]])
    with torch.inference_mode():
        alone = [network(items[:1], targets[:1]), network(items[1:, :1], targets[1:, :1])]
        together = network(items, targets)
    assert float(together) == pytest.approx((3 * float(alone[0]) + float(alone[1])) / 4, abs=1e-5)


def test_training_begins_near_a_guess(films: Catalogue) -> None:
    network, _, _ = drawn_network(films, KNOWN)
    network.draw(seed=1, spread=0.02)
    with torch.no_grad():
        network.bias.zero_()
        loss = network(torch.tensor([[0, 1, 2, 3]]), torch.tensor([[1, 2, 3, 4]]))
    assert float(loss) == pytest.approx(np.log(len(KNOWN)), abs=1.0)


def test_the_base_keeps_its_layers_and_shares_its_vocabulary(films: Catalogue, tmp_path: Path) -> None:
    model = tiny_model()
    ids = torch.arange(3, 20).reshape(1, -1)
    before = model(input_ids=ids).logits
    saved(tmp_path, films, KNOWN)
    load_item_tokens(model, tiny_tokenizer(), tmp_path, films, base_name=NAME)
    assert torch.equal(model(input_ids=ids).logits, before)
    assert first_layers(model.base_model, 1, name=NAME).embed_tokens is model.model.embed_tokens


def test_a_lines_vector_is_the_mean_over_its_tokens_and_control_tokens_are_text() -> None:
    embeddings = vocabulary_of(tiny_model())
    tokenizer = tiny_tokenizer()
    ids = tokenizer("ab", add_special_tokens=False)["input_ids"]
    found = mean_embeddings(["ab", "", "<|im_end|>"], tokenizer, embeddings)
    torch.testing.assert_close(found[0], embeddings[ids].mean(dim=0))
    assert not found[1].any()
    assert not torch.allclose(found[2], embeddings[2])


def test_the_serving_model_carries_the_tokens_and_writes_without_them(films: Catalogue, tmp_path: Path) -> None:
    base = save_tiny_model(tmp_path / NAME)
    histories = histories_of(films, [("2", "3")])
    expected = saved(tmp_path / "steps", films, KNOWN).score_histories(histories)
    model = TransformersLM.from_pretrained(base, adapter=tmp_path / "steps", device="cpu")
    assert model.reads_items
    assert model.adapter == ""
    np.testing.assert_allclose(model.catalogue_scorer(films).score_histories(histories), expected, atol=1e-6)
    plain = TransformersLM.from_pretrained(base, device="cpu")
    assert not plain.reads_items
    with pytest.raises(ModelError, match="without an adapter that knows items"):
        plain.catalogue_scorer(films)


def test_texts_are_not_ranked_with_an_adapter_for_items(films: Catalogue, tmp_path: Path) -> None:
    base = save_tiny_model(tmp_path / NAME)
    saved(tmp_path / "steps", films, KNOWN)
    with pytest.raises(ConfigError, match="knows one catalogue's items, not prompts"):
        PromptRanker.from_pretrained(base, adapter=tmp_path / "steps", device="cpu")


def test_the_catalogue_of_others_is_refused(films: Catalogue, tmp_path: Path) -> None:
    saved(tmp_path, films, KNOWN)
    others = Catalogue(replace(item, title=f"Another {item.title}") for item in films.values())
    with pytest.raises(ArtifactError, match=r"another catalogue: of their 7 items 0 are here under the same id and ti"):
        load(tmp_path, others)


def test_another_base_is_refused(films: Catalogue, tmp_path: Path) -> None:
    saved(tmp_path, films, KNOWN)
    with pytest.raises(ModelError, match="was trained on 'tiny', not on 'other'"):
        load(tmp_path, films, base_name="other")
    about = json.loads((tmp_path / ABOUT).read_text())
    (tmp_path / ABOUT).write_text(json.dumps(about | {"dim": 64}))
    tensors = load_file(tmp_path / ITEMS)
    wide = {"shared": tensors["shared"].repeat(1, 2), "text_mean": tensors["text_mean"].repeat(2)}
    save_file(tensors | wide, tmp_path / ITEMS)
    with pytest.raises(ModelError, match=r"are 64 wide, tiny reads 32\. Use tiny"):
        load(tmp_path, films)


def test_an_adapter_that_changes_nothing_is_refused(films: Catalogue, tmp_path: Path) -> None:
    saved(tmp_path, films, KNOWN)
    tensors = load_file(tmp_path / WEIGHTS)
    save_file({name: tensor * (0 if "lora_B" in name else 1) for name, tensor in tensors.items()}, tmp_path / WEIGHTS)
    with pytest.raises(ModelError, match="changes nothing in tiny"):
        load(tmp_path, films)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (ABOUT, b"{", "item_tokens.json is missing or damaged"),
        (ABOUT, b'{"format": 1}', "item_tokens.json is missing or damaged"),
        (ITEMS, b"nothing", "item_tokens.safetensors is missing or damaged"),
        (WEIGHTS, b"nothing", "cannot be read"),
    ],
)
def test_damaged_files_are_named(films: Catalogue, tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    saved(tmp_path, films, KNOWN)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LLMRecError, match=reason):
        load(tmp_path, films)


def test_files_that_do_not_belong_together_are_refused(films: Catalogue, tmp_path: Path) -> None:
    saved(tmp_path, films, KNOWN)
    tensors = load_file(tmp_path / ITEMS)
    save_file(tensors | {"own": tensors["own"][:-1].contiguous()}, tmp_path / ITEMS)
    with pytest.raises(ArtifactError, match=r"does not hold what item_tokens\.json says"):
        load(tmp_path, films)
    save_file(tensors | {"bias": tensors["bias"] * float("nan")}, tmp_path / ITEMS)
    with pytest.raises(ArtifactError, match="holds numbers that are none"):
        load(tmp_path, films)


def test_a_later_format_is_refused(films: Catalogue, tmp_path: Path) -> None:
    saved(tmp_path, films, KNOWN)
    (tmp_path / ABOUT).write_text((tmp_path / ABOUT).read_text().replace('"format":1', '"format":2'))
    with pytest.raises(ArtifactError, match="has format 2, not 1"):
        load(tmp_path, films)


def test_more_layers_than_there_are_is_refused(films: Catalogue) -> None:
    with pytest.raises(ModelError, match="3 layers were asked for; tiny has 2"):
        drawn_network(films, KNOWN, shape=ItemTokenShape(n_layers=3))
    with pytest.raises(ModelError, match="tiny is no decoder with a list of layers"):
        first_layers(torch.nn.Linear(2, 2), 1, name="tiny")


def test_drawn_items_stand_for_all_that_were_not_named(films: Catalogue) -> None:
    network, _, _ = drawn_network(films, KNOWN)
    network = network.eval()
    items, targets = torch.tensor([[0, 1]]), torch.tensor([[1, 2]])
    whole = network(items, targets)
    # Of the seven, three are named; four others leave nothing to draw.
    torch.testing.assert_close(network(items, targets, n_negatives=4), whole)
    torch.manual_seed(0)
    drawn = torch.stack([network(items, targets, n_negatives=2) for _ in range(400)])
    assert drawn.std() > 0
    assert drawn.mean().item() == pytest.approx(whole.item(), rel=0.02)
    assert network(items, targets, n_negatives=2).requires_grad
