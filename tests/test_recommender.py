"""The public face on a small catalogue: what is promised to a caller holds, with a model and without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from llmrec.build import Overrides
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError, LLMRecError, ModelError, UnknownItemError, UnknownUserError
from llmrec.language_model.scripted import ScriptedModel
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import CardsEvent, Profile, Reply, ReplyEvent, StageEvent, TextEvent, Turn


def table(films: Catalogue) -> list[dict[str, object]]:
    return [
        {"item_id": f.id, "title": f.title, "description": f.description, "year": f.facts["year"],
         "genres": list(f.facts["genres"])}
        for f in films.values()
    ]  # fmt: skip


def events(interactions: Interactions) -> list[dict[str, object]]:
    return [
        {"user_id": user_id, "item_id": row.item_id, "rating": row.value, "timestamp": row.at}
        for user_id in interactions.user_ids
        for row in interactions.history(user_id).interactions
    ]


def fitted(films: Catalogue, interactions: Interactions, model: ScriptedModel | None = None) -> Recommender:
    settings = Settings().changed([] if model else ["language_model.model=none"])
    overrides = Overrides(encoder=HashingEmbedder(), language_model=model)
    return Recommender(settings, overrides=overrides).fit(table(films), events(interactions), name="films")


@pytest.fixture(scope="module")
def recommender(films: Catalogue, interactions: Interactions) -> Recommender:
    return fitted(films, interactions)


def titles(recommendations: Sequence[object]) -> list[str]:
    return [item.title for item in recommendations]


def test_tables_of_every_kind_give_the_same_recommender(films: Catalogue, interactions: Interactions) -> None:
    overrides = Overrides(encoder=HashingEmbedder())
    settings = Settings().changed(["language_model.model=none"])
    kinds = [
        (table(films), events(interactions)),
        (pd.DataFrame(table(films)), pd.DataFrame(events(interactions))),
        (pa.Table.from_pylist(table(films)), pa.Table.from_pylist(events(interactions))),
    ]
    answers = set()
    for items, rows in kinds:
        one = Recommender(settings, overrides=overrides).fit(items, rows)
        answers.add(tuple(titles(one.recommend("scary", user_id="ann", k=4))))
    assert len(answers) == 1


def test_what_was_saved_recommends_the_same(recommender: Recommender, tmp_path: Path) -> None:
    recommender.save_pretrained(tmp_path / "r")
    again = Recommender.from_pretrained(tmp_path / "r", overrides=Overrides(encoder=HashingEmbedder()))
    for arguments in ({"user_id": "cat"}, {"query": "love in paris"}, {"history": ["Alien", "Heat (1995)"]}):
        first, second = recommender.recommend(**arguments, k=5), again.recommend(**arguments, k=5)
        assert [(i.item_id, i.score, i.explanation) for i in first] == [
            (i.item_id, i.score, i.explanation) for i in second
        ]


def test_another_encoder_than_the_items_had_is_refused(recommender: Recommender, tmp_path: Path) -> None:
    recommender.save_pretrained(tmp_path / "r")
    other = Recommender.from_pretrained(tmp_path / "r", overrides=Overrides(encoder=HashingEmbedder(dim=64)))
    with pytest.raises(LLMRecError, match="encoded by"):
        other.recommend("horror")


def test_where_holds_and_is_never_relaxed(recommender: Recommender) -> None:
    found = recommender.recommend("funny", where={"year": {"$gte": 1995}, "genres": {"$in": ["Comedy"]}}, k=10)
    assert {i.item_id for i in found} == {"1", "6", "8", "10"}
    nothing = recommender.recommend(where={"year": {"$gt": 1999}, "genres": "Horror"})
    assert len(nothing) == 0


def test_what_was_said_is_relaxed_when_nothing_satisfies_it_and_that_is_said(recommender: Recommender) -> None:
    found = recommender.recommend("a horror film from 2001", k=3)
    assert titles(found) == ["Amélie (2001)"]
    assert "dropped genres $eq Horror: nothing satisfies every wish" in found.trace.notes


def test_a_known_user_gets_nothing_they_met_unless_asked(recommender: Recommender) -> None:
    assert not {"2", "3", "5"} & {i.item_id for i in recommender.recommend(user_id="ann", k=10)}
    assert {"2", "3", "5"} <= {i.item_id for i in recommender.recommend(user_id="ann", k=10, filter_viewed=False)}


def test_nothing_liked_or_disliked_comes_back(recommender: Recommender) -> None:
    profile = recommender.profile_of(liked=["Alien (1979)"], disliked=["Scream (1996)"], seen=["4"])
    shown = {i.item_id for i in recommender.recommend("horror or sci-fi", profile=profile, k=10)}
    assert not {"2", "6", "4"} & shown
    assert shown


def test_ranking_returns_exactly_what_was_given(recommender: Recommender) -> None:
    given = ["Amélie (2001)", "Alien³ (1992)", "9", "Alien (1979)"]
    for asked in ("tense", ["Alien (1979)"]):
        ranked = recommender.rank(asked, given)
        assert sorted(item.item_id for item in ranked) == ["10", "2", "4", "9"]
        assert [item.rank for item in ranked] == [1, 2, 3, 4]
        assert [item.score for item in ranked] == sorted((item.score for item in ranked), reverse=True)
        assert all(item.explanation for item in ranked)
    assert recommender.rank(["Alien (1979)"], given)[0].title in {"Alien (1979)", "Alien³ (1992)"}


def test_explanations_cite_what_is_so(recommender: Recommender) -> None:
    explanation = recommender.explain(["Alien (1979)"], "Alien³ (1992)")
    assert explanation.item_id == "4"
    assert any(cite.item_id == "2" for cite in explanation.cites)


def test_similar_and_vectors_have_the_promised_shapes(recommender: Recommender) -> None:
    near = recommender.similar("Alien (1979)", k=3)
    assert [item.rank for item in near] == [1, 2, 3]
    assert "2" not in {item.item_id for item in near}
    assert [item.score for item in near] == sorted((item.score for item in near), reverse=True)
    for vector in (recommender.item_vector("2"), recommender.user_vector("ann")):
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    with pytest.raises(ConfigError, match="needs a user id or a history"):
        recommender.user_vector()


def test_items_like_one_and_unlike_others_leave_all_of_them_out(recommender: Recommender) -> None:
    near = [item.item_id for item in recommender.similar("Alien (1979)", k=9)]
    other = [item.item_id for item in recommender.similar("Alien (1979)", k=9, unlike=["Aliens (1986)"])]
    assert "2" not in near
    assert len(near) == 9
    assert len(other) == 8
    assert not {"2", "3"} & set(other)
    assert [item_id for item_id in near if item_id != "3"] != other


def test_the_frame_has_the_fields_columns(recommender: Recommender) -> None:
    frame = recommender.recommend("horror", k=2).to_frame()
    assert list(frame.columns) == ["item_id", "title", "score", "rank", "ranked_by", "explanation"]
    assert list(frame["rank"]) == [1, 2]


def test_numbers_of_a_data_frame_do_for_ids_and_k(recommender: Recommender) -> None:
    assert recommender.item_id(np.int64(2)) == "2"
    assert len(recommender.recommend(history=[{"item_id": 2, "rating": np.float32(5)}], k=np.int64(3))) == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"k": 0}, ConfigError, r"k is 0"),
        ({"k": True}, ConfigError, r"k is True"),
        ({"k": 2.0}, ConfigError, r"k is 2\.0"),
        ({"user_id": "zoe"}, UnknownUserError, r"'zoe'"),
        ({"history": ["Sabrina"]}, UnknownItemError, r"stands for Sabrina \(1954\), Sabrina \(1995\)"),
        ({"history": ["Amelia"]}, UnknownItemError, r"no item has the id or title 'Amelia'"),
        ({"history": [{"item_id": "2", "rating": float("nan")}]}, ConfigError, r"not a finite number"),
        ({"history": [{"item_id": "2", "rating": 10**400}]}, ConfigError, r"not a finite number"),
        ({"where": {"year": {"$gte": 10**400}}}, ConfigError, r"year is a number, not 1000"),
        ({"where": {"yaer": 1990}}, ConfigError, r"year"),
    ],
)
def test_mistakes_get_a_sentence(
    recommender: Recommender, arguments: dict[str, object], error: type[LLMRecError], message: str
) -> None:
    with pytest.raises(error, match=message):
        recommender.recommend(**arguments)


def test_a_recommender_without_items_says_what_to_call() -> None:
    with pytest.raises(ConfigError, match=r"call fit\(items, interactions\) or from_pretrained\(dir\)"):
        Recommender().recommend("horror")


def test_no_interactions_still_recommend(films: Catalogue) -> None:
    settings = Settings().changed(["language_model.model=none"])
    one = Recommender(settings, overrides=Overrides(encoder=HashingEmbedder())).fit(table(films))
    assert len(one.recommend("scary", k=3)) == 3
    assert len(one.recommend(k=99)) == 10


def found_by(recommender: Recommender, **asked: object) -> dict[str, int]:
    """How many candidates each retriever gave."""
    return {stage.name: stage.n_out for stage in recommender.recommend(**asked, k=3).trace.stages}


def test_beside_the_hybrid_texts_answer_wishes_and_popularity_strangers(
    recommender: Recommender,
) -> None:
    of_history = found_by(recommender, history=["Alien (1979)"])
    assert (of_history["dense"], of_history["bm25"], of_history["popularity"]) == (0, 0, 0)
    assert of_history["hybrid"] > 0
    assert found_by(recommender, query="scary in space", history=["Alien (1979)"])["dense"] > 0
    of_wish = found_by(recommender, query="scary in space")
    assert min(of_wish["dense"], of_wish["popularity"]) > 0
    assert of_wish["hybrid"] == 0
    assert found_by(recommender)["popularity"] > 0


def test_without_a_hybrid_likeness_of_texts_answers_histories_too(films: Catalogue, interactions: Interactions) -> None:
    chosen = ["language_model.model=none", "retrieval.hybrid=0", "retrieval.ease=1", "retrieval.transitions=0.5"]
    overrides = Overrides(encoder=HashingEmbedder())
    without = Recommender(Settings().changed(chosen), overrides=overrides).fit(table(films), events(interactions))
    nobody_yet = Recommender(Settings().changed(chosen[:1]), overrides=overrides).fit(table(films))
    for one in (without, nobody_yet):
        found = found_by(one, history=["Alien (1979)"])
        assert found["dense"] > 0
        assert "hybrid" not in found
    assert found_by(without, history=["Alien (1979)"])["popularity"] > 0


def test_a_hybrid_that_is_switched_off_after_the_build_leaves_histories_to_likeness_of_texts(
    recommender: Recommender, tmp_path: Path
) -> None:
    recommender.save_pretrained(tmp_path / "r")
    overrides = Overrides(encoder=HashingEmbedder(), settings=("retrieval.hybrid=0",))
    found = found_by(Recommender.from_pretrained(tmp_path / "r", overrides=overrides), history=["Alien (1979)"])
    assert found["dense"] > 0
    assert "hybrid" not in found


def talk(recommender: Recommender, messages: Sequence[str]) -> list[Reply]:
    replies: list[Reply] = []
    turns: list[Turn] = []
    profile = Profile()
    for message in messages:
        turns.append(Turn("user", message))
        replies.append(recommender.chat(turns, profile, k=2))
        turns.append(Turn("assistant", replies[-1].text))
        profile = replies[-1].profile
    return replies


def untimed(reply: Reply) -> Reply:
    stages = tuple(replace(stage, seconds=0.0) for stage in reply.trace.stages)
    return replace(reply, trace=replace(reply.trace, stages=stages))


ANN = ["something scary, I loved Alien", "not from the 90s", "more", "undo"]
BOB = ["a romance", "I have seen Sabrina (1995)", "older than 1960", "start over"]


def test_interleaved_conversations_give_the_same_replies_as_separate_ones(recommender: Recommender) -> None:
    apart = talk(recommender, ANN), talk(recommender, BOB)
    turns: tuple[list[Turn], list[Turn]] = ([], [])
    profiles = [Profile(), Profile()]
    for position in range(4):
        for who, messages in enumerate((ANN, BOB)):
            turns[who].append(Turn("user", messages[position]))
            reply = recommender.chat(turns[who], profiles[who], k=2)
            assert untimed(reply) == untimed(apart[who][position])
            turns[who].append(Turn("assistant", reply.text))
            profiles[who] = reply.profile


def test_a_stream_ends_with_the_reply_and_tells_each_stage(recommender: Recommender) -> None:
    seen = list(recommender.chat_stream([Turn("user", "horror")], k=2))
    assert isinstance(seen[-1], ReplyEvent)
    names = [event.stage.name for event in seen if isinstance(event, StageEvent)]
    assert names[:2] == ["understand", "filter"]
    assert {"dense", "bm25", "hybrid", "popularity", "fusion", "rank", "select", "explain"} <= set(names)
    assert [event for event in seen if isinstance(event, CardsEvent)]
    assert "".join(event.delta for event in seen if isinstance(event, TextEvent)) == seen[-1].reply.text


def test_the_last_turn_must_be_the_users(recommender: Recommender) -> None:
    for turns in ([], [Turn("assistant", "hello")]):
        with pytest.raises(ConfigError, match="the last turn is not the user's"):
            recommender.chat(turns)


def test_turns_may_be_mappings_of_a_chat_api(recommender: Recommender) -> None:
    spoken = recommender.chat([Turn("user", "horror")], k=2)
    assert untimed(recommender.chat([{"role": "user", "content": "horror"}], k=2)) == untimed(spoken)
    with pytest.raises(ConfigError, match="is not a turn; it needs a role"):
        recommender.chat([{"role": "system", "content": "obey"}])


def test_the_models_voice_is_heard_and_named(films: Catalogue, interactions: Interactions) -> None:
    model = ScriptedModel()
    one = fitted(films, interactions, model)
    reply = one.chat([Turn("user", "something tense")], k=3)
    assert reply.trace.model == model.name
    assert reply.trace.prompt_hash
    assert all(item.ranked_by == "lm+retrieval" for item in reply.recommendations)


@pytest.mark.parametrize(
    "model",
    [
        ScriptedModel(failure=ModelError("the model is down.")),
        ScriptedModel(seconds=1e6),
        ScriptedModel(score=lambda _, labels: [float("nan")] * len(labels)),
        ScriptedModel(label_mass=1e-6),
    ],
    ids=["down", "late", "nan", "silent"],
)
def test_without_the_models_answer_the_retrieval_order_stands_and_says_so(
    recommender: Recommender, films: Catalogue, interactions: Interactions, model: ScriptedModel
) -> None:
    alone = recommender.chat([Turn("user", "something tense")], k=4)
    reply = fitted(films, interactions, model).chat([Turn("user", "something tense")], k=4)
    assert [item.item_id for item in reply.recommendations] == [item.item_id for item in alone.recommendations]
    assert {item.ranked_by for item in reply.recommendations} == {"retrieval"}
    assert len(reply.trace.notes) == len(alone.trace.notes) + 1


def test_a_model_that_prefers_one_label_moves_items_no_further_than_allowed(
    recommender: Recommender, films: Catalogue, interactions: Interactions
) -> None:
    settings = Settings().changed(["ranking.lm_weight=100", "ranking.max_lift=2"])
    stubborn = ScriptedModel(score=lambda _, labels: list(range(len(labels))))
    overrides = Overrides(encoder=HashingEmbedder(), language_model=stubborn)
    one = Recommender(settings, overrides=overrides).fit(table(films), events(interactions))
    before = [item.item_id for item in recommender.recommend("tense", k=10)]
    after = [item.item_id for item in one.recommend("tense", k=10)]
    assert sorted(before) == sorted(after)
    assert before != after
    assert all(before.index(item_id) - after.index(item_id) <= 2 for item_id in after)


def test_why_an_item_is_not_shown_agrees_with_what_is_shown(recommender: Recommender) -> None:
    shown = recommender.recommend("", user_id="ann", k=3)
    for place, card in enumerate(shown, start=1):
        found = recommender.why_not("", card.item_id, user_id="ann", k=3)
        assert (found.reason, found.standing.shown[place - 1]) == ("shown", card.item_id)
        assert found.standing.score == card.score
    others = [item_id for item_id in recommender.catalogue if item_id not in [card.item_id for card in shown]]
    assert {recommender.why_not("", item_id, user_id="ann", k=3).reason for item_id in others} <= {
        "known",
        "ranked_below",
        "not_found",
        "series",
    }
    assert recommender.why_not("", "Alien (1979)", user_id="ann").reason == "known"


def test_why_not_is_about_the_reply_whose_profile_it_gets(recommender: Recommender) -> None:
    reply = recommender.chat([Turn("user", "horror from the 90s")], k=2)
    found = recommender.why_not("", "Toy Story (1995)", profile=reply.profile, k=2)
    assert found.standing.shown == tuple(card.item_id for card in reply.recommendations)
    assert (found.reason, [c.field for c in found.broken]) == ("condition", ["genres"])
    assert found.text == (
        "Toy Story (1995) is left out: its genres are Animation, Children, Comedy, and you asked for Horror."
    )


def test_what_is_new_counts_in_the_next_answer(films: Catalogue, interactions: Interactions) -> None:
    recommender = fitted(films, interactions)
    first = recommender.recommend(user_id="ann", k=1)[0].item_id
    new = [{"item_id": "11", "title": "Cube"}]
    recommender.update([{"user_id": "ann", "item_id": first, "timestamp": 9.0}], items=new)
    assert first not in [item.item_id for item in recommender.recommend(user_id="ann", k=9)]
    assert recommender.history("ann").interactions[-1].item_id == first
    assert recommender.item_id("Cube") == "11"
    assert [report.read for report in recommender.reports] == [1, 1]
