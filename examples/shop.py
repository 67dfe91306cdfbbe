"""A small shop with prices and stock: `python examples/shop.py`.

Builds on two tables of the shop's own (`examples/shop/`), talks to a customer, then takes in what came in today: one
article is sold out, one is new, and some were bought.
"""

from __future__ import annotations

from pathlib import Path

from scripted import arguments, talk, told

from llmrec.build import Overrides
from llmrec.recommender import Recommender

TABLES = Path(__file__).parent / "shop"
COLUMNS = {"item_id": "sku", "title": "name", "available": "in_stock", "user_id": "customer"}
SAID = (
    "something for cooking on a hiking tour, price under 60",
    "nothing from Karst",
    "compare the first two",
    "cheaper",
)
LATER = ("an ultralight tent",)


def main() -> None:
    """Build, talk, update, talk again."""
    given = arguments(__doc__)
    overrides = Overrides(work_directory=given.out / "shop", progress=True)
    shop = Recommender(given.settings, overrides=overrides)
    shop.fit(TABLES / "items.csv", TABLES / "purchases.csv", name="Tent & Trail", columns=COLUMNS)
    talk(shop, SAID)
    talk(shop, LATER)
    print("\n-- the next morning: one tent is sold out, one is new, five things were bought --")
    shop.update(TABLES / "today-purchases.csv", items=TABLES / "today-items.csv", columns=COLUMNS)
    talk(shop, LATER)
    print("\n-- and for somebody who buys for children --")
    talk(shop, ("what else do we need for camping?",), user_id="c002")
    shop.save_pretrained(given.out / "shop")
    print(f"\nKept in {given.out / 'shop'}: llmrec chat {given.out / 'shop'}")


if __name__ == "__main__":
    told(main)
