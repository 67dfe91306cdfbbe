"""How many users a second a language model ranks, one way beside another: same machine, model, users and candidates."""
