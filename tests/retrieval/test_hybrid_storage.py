"""A hybrid retriever comes back from its directory as it was, or says what is wrong with the directory."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ArtifactError
from llmrec.retrieval.held_out import FusionPlan
from llmrec.retrieval.hybrid import HybridRetriever
from llmrec.types import ItemId
from tests.contracts.history_scorer import histories_of
from tests.contracts.retriever import asks
from tests.retrieval.signalled import CLOSED, LOADERS, World, world

QUICK = FusionPlan(max_held_out=1)


def fitted(made: World, *, with_texts: bool = True) -> HybridRetriever:
    vectors = made.vectors if with_texts else None
    return HybridRetriever.fit(made.interactions, made.catalogue, CLOSED, vectors=vectors, plan=QUICK)


def with_odd_fields(made: World) -> World:
    """Facts whose names are no names for files."""
    items = (replace(item, facts={**item.facts, "../a/b?": "same", "é ": True}) for item in made.catalogue.values())
    return World(Catalogue(items), made.interactions, made.vectors)


@pytest.mark.parametrize(
    ("made", "with_texts"),
    [
        (world(), True),
        (world(n_cold=4), True),
        (world(timed=False), False),
        (with_odd_fields(world()), True),
        (world(n_items=4, n_users=0), True),
    ],
    ids=["all met", "cold items", "no times, no texts", "odd names", "no users"],
)
def test_what_is_saved_comes_back_the_same(made: World, with_texts: bool, tmp_path: Path) -> None:
    before = fitted(made, with_texts=with_texts)
    before.save(tmp_path)
    after = HybridRetriever.load(tmp_path, made.catalogue.ids, LOADERS)
    assert dict(after.weights) == dict(before.weights)
    for histories in (made.interactions.histories(), histories_of(made.catalogue, [(), ("i1", "i3")])):
        np.testing.assert_array_equal(after.score_histories(histories), before.score_histories(histories))
    query = asks(history=("i1", "i3"))
    assert after.explain(query, ItemId("i2")) == before.explain(query, ItemId("i2"))
    assert list(after.retrieve(query, 3)) == list(before.retrieve(query, 3))


def test_what_came_back_can_be_updated_and_saved_again(tmp_path: Path) -> None:
    made = world(n_cold=4)
    before = fitted(made)
    before.save(tmp_path / "one")
    loaded = HybridRetriever.load(tmp_path / "one", made.catalogue.ids, LOADERS)
    everybody = made.interactions.histories()
    updated = loaded.update(made.interactions, made.interactions)
    expected = before.update(made.interactions, made.interactions).score_histories(everybody)
    np.testing.assert_allclose(updated.score_histories(everybody), expected, atol=1e-6)
    updated.save(tmp_path / "two")
    again = HybridRetriever.load(tmp_path / "two", made.catalogue.ids, LOADERS)
    np.testing.assert_array_equal(again.score_histories(everybody), updated.score_histories(everybody))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("hybrid")
    fitted(world()).save(directory)
    return directory


@pytest.fixture
def directory(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "hybrid"))


def load(directory: Path) -> HybridRetriever:
    return HybridRetriever.load(directory, world().catalogue.ids, LOADERS)


FILES = [
    "settings.json", "contents.json", "totals.npy", "first.npy", "texts.npy", "amounts.npy", "cold.npy",
    "nearest.npz", "values/0.npz", "demand/30/counts.npy", "demand/365/bins.npy",
    "parts/ease/settings.json", "parts/ease/weights.npy", "parts/slit/table.npy", "parts/transitions/transitions.npz",
]  # fmt: skip


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:20])])
def test_a_file_that_is_missing_or_cut_short_is_named(
    directory: Path, file: str, harm: Callable[[Path], object]
) -> None:
    harm(directory / file)
    with pytest.raises(ArtifactError, match=rf"{Path(file).name} cannot be read\. Build the recommender again"):
        load(directory)


def test_a_part_that_is_gone_is_not_simply_left_out(directory: Path) -> None:
    shutil.rmtree(directory / "parts" / "slit")
    with pytest.raises(ArtifactError, match=r"slit/settings\.json cannot be read"):
        load(directory)


def test_what_else_lies_in_the_directory_is_no_matter(directory: Path) -> None:
    (directory / "demand" / ".DS_Store").write_bytes(b"?")
    (directory / "parts" / "left over").mkdir()
    assert np.isfinite(load(directory).scores(asks(history=("i1",)))).all()


@pytest.mark.parametrize("file", ["totals.npy", "first.npy", "texts.npy", "amounts.npy", "cold.npy"])
def test_an_array_of_other_items_is_named(directory: Path, file: str) -> None:
    array = np.load(directory / file)
    np.save(directory / file, array[:-1])
    with pytest.raises(ArtifactError, match=rf"{file} has the shape \(39.*needs a row for each of 40 items"):
        load(directory)


@pytest.mark.parametrize(
    ("file", "array"),
    [
        ("counts.npy", np.zeros((3, 39), np.float32)),
        ("counts.npy", np.zeros((0, 40), np.float32)),
        ("counts.npy", np.zeros(40, np.float32)),
        ("bins.npy", np.zeros(3)),
    ],
)
def test_demand_of_another_shape_is_named(directory: Path, file: str, array: np.ndarray) -> None:
    np.save(directory / "demand" / "30" / file, array)
    with pytest.raises(ArtifactError, match=r"demand/30 holds no demand of 40 items"):
        load(directory)


def test_a_sparse_table_of_other_items_is_named(directory: Path) -> None:
    other = directory.parent / "other"
    fitted(world(n_items=30)).save(other)
    shutil.copy(other / "nearest.npz", directory / "nearest.npz")
    with pytest.raises(ArtifactError, match=r"nearest\.npz has the shape \(30, 30\)"):
        load(directory)


@pytest.mark.parametrize(
    "contents",
    [
        "[]",
        "{}",
        '{"weights": {"ease@3": "much"}, "parts": [], "spans_days": [], "fields": []}',
        '{"weights": [], "parts": [], "spans_days": [], "fields": []}',
        '{"weights": {}, "parts": 3, "spans_days": [], "fields": []}',
        '{"weights": {}, "parts": [], "spans_days": ["a month"], "fields": []}',
    ],
)
def test_contents_that_say_something_else_are_named(directory: Path, contents: str) -> None:
    (directory / "contents.json").write_text(contents)
    with pytest.raises(ArtifactError, match=r"contents\.json cannot be read"):
        load(directory)


def test_a_part_that_nothing_reads_is_named(directory: Path) -> None:
    path = directory / "contents.json"
    contents = json.loads(path.read_text())
    path.write_text(json.dumps({**contents, "parts": ["ease", "oracle"]}))
    with pytest.raises(ArtifactError, match="holds a part 'oracle' that nothing reads"):
        load(directory)


def test_a_directory_of_another_catalogue_is_refused(directory: Path) -> None:
    with pytest.raises(ArtifactError, match="was made for other items than this catalogue's"):
        HybridRetriever.load(directory, world().catalogue.ids[::-1], LOADERS)
