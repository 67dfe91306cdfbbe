"""Why an item is shown: evidence that can be checked, words for it, and the check of those words."""
