"""Language models behind the seams `LanguageModel` and `LabelScorer`."""
