"""Pictures of a recommender: a user's taste, what decides, the catalogue's health, quality, reactions over time."""

from llmrec.insights.sections import Section, about_person, about_recommender
from llmrec.insights.subject import Person, Subject, subject_of

__all__ = ["Person", "Section", "Subject", "about_person", "about_recommender", "subject_of"]
