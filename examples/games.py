"""Video games: `python examples/games.py`.

Amazon reviews of 16,859 games and accessories by 50,546 people. The two parts that solve a system over all items take
minutes of their own here and are left out; `llmrec build --dataset amazon-games` has them.
"""

from __future__ import annotations

from scripted import dataset_example, told

SAID = (
    "a racing game for the Wii",
    "more like the first one",
    "I have that one already",
)
LIKED = ("Mario Kart Wii",)
CHANGES = ("models.hybrid_parts=itemknn,transitions",)

if __name__ == "__main__":
    told(lambda: dataset_example("amazon-games", SAID, description=__doc__, liked=LIKED, changes=CHANGES))
