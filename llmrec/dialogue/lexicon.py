"""The English words the readers know: what items may be called, numbers, synonyms, fillers."""

from __future__ import annotations

from collections.abc import Mapping

from llmrec.dialogue.words import word_set

# What users call the things in a catalogue, whatever its domain.
ITEM_KINDS = word_set(
    """
    film films movie movies flick flicks picture pictures book books novel novels read reads story stories game
    games song songs album albums track tracks show shows series item items product products thing things title
    titles one ones option options suggestion suggestions recommendation recommendations pick picks idea ideas
    stuff something anything somethings
    """
)

ARTICLES = frozenset({"the", "a", "an"})
NUMBERS: Mapping[str, int] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "a couple of": 2, "a dozen": 12, "a pair of": 2,
}  # fmt: skip

ORDINALS: Mapping[str, int] = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "5th": 4,
    "sixth": 5, "seventh": 6, "eighth": 7, "ninth": 8, "tenth": 9, "last": -1, "final": -1,
}  # fmt: skip

# Other words for a field's value; keys are folded singular words, as in `values.value_key`.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "sci fi": ("scifi", "science fiction", "sf", "sciencefiction"),
    "science fiction": ("scifi", "sci fi", "sf"),
    "romance": ("romantic", "rom", "love story"),
    "comedy": ("comedic", "com"),
    "animation": ("animated", "cartoon"),
    "musical": ("musical film",),
    "documentary": ("docu",),
    "film noir": ("noir",),
    "noir": ("film noir",),
    "children": ("child", "kid"),
    "kid": ("child", "children"),
    "biography": ("biographical", "biopic"),
    "history": ("historical",),
    "mystery": ("whodunit", "whodunnit"),
    "rpg": ("role playing game",),
}

# Kinds in Chinese, and what they are called in English; a catalogue may have either.
CHINESE_KINDS: Mapping[str, tuple[str, ...]] = {
    "恐怖": ("horror",), "惊悚": ("thriller",), "喜剧": ("comedy",), "爱情": ("romance",), "浪漫": ("romance",),
    "科幻": ("sci fi", "science fiction"), "动作": ("action",), "犯罪": ("crime",), "战争": ("war",),
    "西部": ("western",),
    "动画": ("animation", "anime"), "儿童": ("children",), "纪录": ("documentary",), "音乐": ("musical", "music"),
    "剧情": ("drama",), "悬疑": ("mystery",), "推理": ("mystery",), "奇幻": ("fantasy",), "历史": ("history",),
    "诗歌": ("poetry",), "科普": ("science",), "幽默": ("humour", "humor"), "耳机": ("headphones", "headphone"),
}  # fmt: skip

# Values that say nothing about an item.
EMPTY_VALUES = frozenset({"unknown", "none", "other", "n a", "no genres listed", "misc", ""})

# Words a request may consist of without saying what is wanted.
FILLERS = (
    word_set(
        """
    a an the some any i i'm im am i'd id we you u me my us please pls plz can could would will do does show give tell
    recommend suggest find get bring want wanna need like love looking look search searching for to of with by in
    on from and or but so also then now actually well ok okay yes yeah yep sure hey hi hello thanks thank what
    which how about should watch watching read reading play playing see hear try is are was it its it's that this
    these those there be have has been i've had not no only just maybe perhaps good great nice best really very
    kind sort type else got mean meant tonight today surprise up more another other others next new instead again
    please um uh ugh argh said
    let's lets go loved liked enjoyed hated seen watched played more less these them too either both already feel
    feeling mood think rather prefer preferably ideally something's mind don't know dont similar things
    idk dunno whatever hmm meets here haven't
    """
    )
    | ITEM_KINDS
)

# A lower-case one-word title is never meant by these, not even after "loved".
PRONOUNS = (
    word_set(
        """
    it that this them these those her him me you us i he she they one ones all some any everything nothing both
    more her his its to be a the of in on
    """
    )
    | ITEM_KINDS
)

# What may follow the object of "I loved heat": the next word opens another phrase.
FOLLOWERS = word_set(
    """
    and or but because so for from with in when since too very the a an though although as not it also which that
    while if then yesterday last more most i we my was is were are have has had at to on who by than especially a
    lot alot never already recently before please best both really great
    """
)
