"""Cutting a data set for evaluation: the core that is kept, the protocols, and the values they give."""

from llmrec.data.splits.core import Prepared, k_core, prepared, without_repeats
from llmrec.data.splits.cutting import split
from llmrec.data.splits.values import Answers, Part, Protocol, Split, Task, Ties

__all__ = [
    "Answers",
    "Part",
    "Prepared",
    "Protocol",
    "Split",
    "Task",
    "Ties",
    "k_core",
    "prepared",
    "split",
    "without_repeats",
]
