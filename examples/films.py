"""Films: `python examples/films.py`.

MovieLens-100K: 1,682 films of the years up to 1998, 100,000 ratings, descriptions from Wikipedia.
"""

from __future__ import annotations

from scripted import dataset_example, told

SAID = (
    "something funny from the 90s, I loved Toy Story",
    "nothing for children",
    "what is the first one about?",
    "more like Fargo",
)

if __name__ == "__main__":
    told(lambda: dataset_example("movielens-100k", SAID, description=__doc__))
