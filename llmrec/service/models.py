"""What the API takes: typed, bounded, with examples; an unknown field is an error, not a silence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from llmrec.types import Signal

MAX_MESSAGE_CHARS = 4_000
MAX_REPLY_CHARS = 20_000
MAX_TURNS = 400
MAX_FEEDBACK_CHARS = 2_000
_MAX_ROWS = 1_000
_MAX_PROFILE_ROWS = 2_000


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("this is not valid Unicode text") from None
    return text


Text = Annotated[str, AfterValidator(_encodable)]
Name = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_encodable)]
EventName = Annotated[str, Field(max_length=200), AfterValidator(_encodable)]
UserName = Annotated[Name, Field(examples=["42"], description="A user id; by default the key's own user.")]
Wish = Annotated[str, Field(max_length=MAX_MESSAGE_CHARS, examples=["a light comedy"]), AfterValidator(_encodable)]
Count = Annotated[int, Field(ge=1, le=200)]
Seconds = Annotated[
    float,
    Field(gt=0, le=3600, allow_inf_nan=False, description="After this the retrieval order is the answer, marked."),
]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
Moment = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e11, description="Seconds since 1970 (UTC).")]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RatedItem(_Body):
    """An item by its id, and what somebody thought of it."""

    item_id: Name
    rating: Finite = 1.0


ItemRef = Annotated[Name | RatedItem, Field(description="An item id, a title, or an id with a rating.")]
Items = Annotated[list[ItemRef], Field(max_length=_MAX_ROWS)]
Where = Annotated[
    dict[str, JsonValue] | list[Text] | None,
    Field(description="Hard conditions on facts.", examples=[{"year": {"$gte": 1990}}, ["year>=1990"]]),
]


class ItemEntryModel(_Body):
    """An item of a profile; its title is for reading only."""

    item_id: Name
    title: Text = ""
    turn: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class ConstraintModel(_Body):
    """A condition that the user stated."""

    field: Text
    op: Text
    value: JsonValue
    turn: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class WishModel(_Body):
    """What the user felt like, in words."""

    text: Annotated[Text, Field(max_length=MAX_REPLY_CHARS)]
    turn: Annotated[int, Field(ge=0, le=1_000_000)] = 0


_Entries = Annotated[list[ItemEntryModel], Field(max_length=_MAX_PROFILE_ROWS)]


class ProfileModel(_Body):
    """What is believed of a user in one conversation: send back what the last answer gave."""

    # Whatever else an answer's profile holds comes back; what is wrong in it is said by who reads it.
    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    liked: _Entries = []
    disliked: _Entries = []
    seen: _Entries = []
    shown: _Entries = []
    accepted: _Entries = []
    constraints: Annotated[list[ConstraintModel], Field(max_length=_MAX_PROFILE_ROWS)] = []
    wishes: Annotated[list[WishModel], Field(max_length=_MAX_PROFILE_ROWS)] = []
    where: Annotated[dict[str, JsonValue], Field(description="Sums the constraints up; for reading only.")] = {}
    pending: Annotated[list[Name], Field(max_length=_MAX_PROFILE_ROWS)] = []
    pending_as: Text = ""


class _Asked(_Body):
    user_id: UserName | None = None
    deadline_s: Seconds | None = None
    context: Annotated[
        dict[Name, Name],
        Field(max_length=20, examples=[{"weekday": "saturday", "device": "phone"}], description="Where and when."),
    ] = {}


class RecommendRequest(_Asked):
    """Items for a sentence, a user, a few liked titles, or all of these."""

    query: Wish = ""
    history: Annotated[Items, Field(examples=[["Alien (1979)", {"item_id": "17", "rating": 5}]])] = []
    profile: ProfileModel | None = None
    k: Count = 10
    where: Where = None
    filter_viewed: bool = True


class ManyRequest(_Body):
    """Items for many users at once, not explained; needs a key of scope admin."""

    user_ids: Annotated[list[Name], Field(min_length=1, max_length=_MAX_ROWS)]
    k: Count = 10
    where: Where = None
    filter_viewed: bool = True
    deadline_s: Seconds | None = None


class RankRequest(_Asked):
    """An order of given items, all of them."""

    items: Annotated[Items, Field(min_length=1, examples=[["Babe (1995)", "Alien (1979)"]])]
    query: Wish = ""
    history: Items = []


class ExplainRequest(_Asked):
    """Why one item would suit."""

    item: Annotated[ItemRef, Field(examples=["Scream (1996)"])]
    query: Wish = ""
    history: Items = []


class TurnModel(_Body):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    text: Annotated[Text, Field(max_length=MAX_REPLY_CHARS)]


class ChatRequest(_Asked):
    """A conversation whose last turn is the user's, and the profile that the reply before gave."""

    turns: Annotated[
        list[TurnModel],
        Field(min_length=1, max_length=MAX_TURNS, examples=[[{"role": "user", "text": "I loved Alien"}]]),
    ]
    profile: ProfileModel | None = None
    k: Count = 5
    stream: Annotated[bool, Field(description="Events as they come; false for one JSON object.")] = True


class FeedbackRequest(_Body):
    """What a user thinks of an item.

    With the `query_id` of the answer that showed it, it can be learned from; one `event_id` is stored once, so that a
    request without an answer can be sent again.
    """

    user_id: UserName | None = None
    item: ItemRef
    signal: Signal
    text: Annotated[Text, Field(max_length=MAX_FEEDBACK_CHARS, description="For the signal `text`.")] = ""
    query_id: EventName = ""
    event_id: EventName = ""


class LearningRequest(_Body):
    """Whether impressions of a user are logged, and anything of theirs learned from."""

    allowed: Annotated[bool, Field(examples=[False])]


class InteractionModel(_Body):
    """One user met one item."""

    item: ItemRef
    at: Moment | None = None
    event_id: EventName = ""


class InteractionsRequest(_Body):
    """New behaviour of one user; it counts from the next request on."""

    user_id: UserName | None = None
    interactions: Annotated[
        list[InteractionModel], Field(min_length=1, max_length=_MAX_ROWS, examples=[[{"item": "Alien (1979)"}]])
    ]
