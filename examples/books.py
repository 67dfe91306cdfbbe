"""Books: `python examples/books.py`.

Goodbooks-10k: 10,000 books with authors and years, and without genres: a genre that is asked for would be looked for in
titles. The ratings have no times, so parts that learn from the order of what people read are left out.
"""

from __future__ import annotations

from scripted import dataset_example, told

SAID = (
    "I loved The Hobbit",
    "published before 1990",
    "nothing by J.R.R. Tolkien",
)
CHANGES = ("models.hybrid_parts=itemknn",)

if __name__ == "__main__":
    told(lambda: dataset_example("goodbooks-10k", SAID, description=__doc__, changes=CHANGES))
