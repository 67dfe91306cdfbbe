from llmrec.data.catalogue import Catalogue
from llmrec.evaluation.catalogue_views import with_ids_alone, with_shuffled_texts
from llmrec.types import Item, ItemId

CATALOGUE = Catalogue(
    Item(ItemId(f"i{n}"), f"title {n}", {"year": 1990 + n}, f"about {n}", available=n != 3) for n in range(9)
)


def test_texts_move_together_and_none_stays() -> None:
    shuffled = with_shuffled_texts(CATALOGUE, seed=0)
    assert shuffled.ids == CATALOGUE.ids
    for item_id, item in shuffled.items():
        own = CATALOGUE[item_id]
        assert item.title != own.title
        assert item.available == own.available
        number = int(item.title.split()[1])
        assert (item.facts, item.description) == ({"year": 1990 + number}, f"about {number}")
    assert sorted(item.title for item in shuffled.values()) == sorted(item.title for item in CATALOGUE.values())


def test_another_seed_moves_them_elsewhere() -> None:
    assert with_shuffled_texts(CATALOGUE, seed=0).content_hash != with_shuffled_texts(CATALOGUE, seed=1).content_hash
    assert with_shuffled_texts(CATALOGUE, seed=0).content_hash == with_shuffled_texts(CATALOGUE, seed=0).content_hash


def test_ids_alone_say_nothing_else() -> None:
    assert with_ids_alone(CATALOGUE)[ItemId("i3")] == Item(ItemId("i3"), "i3", available=False)
