"""Models and data sets by name, from the first source that answers, every byte checked; not what is done with them."""

from llmrec.assets.progress import Progress, SilentProgress, TerminalProgress
from llmrec.assets.registry import ASSETS, Asset
from llmrec.assets.store import AssetStatus, AssetStore

__all__ = ["ASSETS", "Asset", "AssetStatus", "AssetStore", "Progress", "SilentProgress", "TerminalProgress"]
