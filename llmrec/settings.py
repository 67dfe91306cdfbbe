"""Every number and name that can be chosen, frozen and complete at start; a misspelt key names its neighbour."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from llmrec.errors import ConfigError

Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
Part = Literal["ease", "transitions", "slit", "itemknn", "sasrec", "text_sequential"]
_RETRIEVERS = ("dense", "bm25", "hybrid", "popularity", *get_args(Part))
Device = Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")]


class _Room(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderSettings(_Room):
    """The sentence encoder: an asset's name, a path, a hub id, or `hashing` (no weights, no meaning)."""

    model: str = "all-MiniLM-L6-v2"
    device: Device = "auto"
    batch_size: int = Field(64, ge=1, le=4096)


class LanguageModelSettings(_Room):
    """The language model: an asset's name, a path, a hub id, `openai:http://host:port/v1#model`, or `none`.

    Attributes:
        dtype: `auto` is bfloat16 on CUDA, else float32; `fast` is bfloat16 on CPUs with AMX too, where it ranks about
            three times as many users, and about 3 of 100 pairs otherwise.
    """

    model: str = "smollm2-135m-instruct"
    device: Device = "auto"
    dtype: Literal["auto", "fast", "float32", "bfloat16", "float16"] = "auto"
    adapter: str = ""
    writer: str = ""  # of explanations: an adapter's directory or `packaged`, see docs/explanations.md

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, values: object) -> object:  # `language_model = "none"`
        return {"model": values} if isinstance(values, str) else values


class RetrievalSettings(_Room):
    """Candidates: how many, and what each retriever's rank is worth in reciprocal rank fusion (0 = not asked).

    In `vector_store` searches `dense`: `exact` is here, others are `qdrant:http://host:6333/items`, `qdrant:memory`.
    """

    n_candidates: int = Field(100, ge=1, le=10_000)
    dense: Weight = 1.0
    bm25: Weight = 1.0
    hybrid: Weight = 1.0
    ease: Weight = 0.0
    transitions: Weight = 0.0
    popularity: Weight = 0.2
    itemknn: Weight = 0.0
    slit: Weight = 0.0
    sasrec: Weight = 0.0
    text_sequential: Weight = 0.0
    ease_regularisation: float = Field(500.0, gt=0, allow_inf_nan=False)
    ease_half_life: float = Field(20.0, gt=0, allow_inf_nan=False)
    max_memory_gib: float = Field(8.0, gt=0, allow_inf_nan=False)
    vector_store: Annotated[str, Field(pattern=r"^(exact|qdrant:.+)$")] = "exact"

    @property
    def weights(self) -> Mapping[str, float]:
        """Fusion weight by retriever, those above 0."""
        named = {name: getattr(self, name) for name in _RETRIEVERS}
        return {name: weight for name, weight in named.items() if weight > 0}


class ModelSettings(_Room):
    """How each retriever learns; half-lives count steps into a history after which an item counts half.

    Attributes:
        popularity_half_life_days: Days before the newest interaction at which one counts half; 0 counts all alike.
        itemknn_weighting: How users count; see ItemKNNRetriever.
        transitions_window: How many steps apart two interactions may be.
        transitions_decay: What each step beyond the first multiplies a count by.
        slit_past: See SLITPlan, as for all that begin alike.
        hybrid_parts: Which retrievers are fused beside demand over time and likeness of content.
        hybrid_l2: Penalty on their weights.
        hybrid_cold_bonus: Added to the log-odds of items that nobody met; more shows them earlier, at the others' cost.
        bm25_n_items: How many of the newest items speak for a user without a wish.
        dense_n_items: How many of the newest items are averaged.
        sequential_dim: Of `sasrec` and `text_sequential` alike, as all that follow; see NetworkShape, TextReading,
            TrainingPlan.
    """

    popularity_half_life_days: float = Field(0.0, ge=0, allow_inf_nan=False)
    itemknn_neighbours: int = Field(200, ge=1)
    itemknn_shrinkage: float = Field(30.0, ge=0, allow_inf_nan=False)
    itemknn_half_life: float = Field(20.0, gt=0, allow_inf_nan=False)
    itemknn_weighting: Literal["plain", "idf", "bm25"] = "idf"
    transitions_window: int = Field(10, ge=1, le=1000)
    transitions_decay: float = Field(0.7, gt=0, le=1)
    transitions_half_life: float = Field(3.0, gt=0, allow_inf_nan=False)
    slit_l2: float = Field(500.0, gt=0, allow_inf_nan=False)
    slit_half_life: float = Field(20.0, gt=0, allow_inf_nan=False)
    slit_past: int = Field(60, ge=1, le=1000)
    slit_future: int = Field(20, ge=1, le=1000)
    slit_decay: float = Field(0.9, gt=0, le=1)
    hybrid_parts: tuple[Part, ...] = ("ease", "transitions", "slit", "itemknn")
    hybrid_l2: float = Field(3e-3, ge=0, allow_inf_nan=False)
    hybrid_cold_bonus: float = Field(1.0, ge=0, allow_inf_nan=False)
    bm25_k1: float = Field(1.5, ge=0, allow_inf_nan=False)
    bm25_b: float = Field(0.75, ge=0, le=1)
    bm25_n_items: int = Field(5, ge=1)
    dense_n_items: int = Field(10, ge=1)
    sequential_dim: int = Field(64, ge=1)
    sequential_n_blocks: int = Field(2, ge=1)
    sequential_n_heads: int = Field(2, ge=1)
    sequential_max_length: int = Field(50, ge=1)
    sequential_dropout: float = Field(0.3, ge=0, lt=1)
    sequential_id_dropout: float = Field(0.5, ge=0, le=1)
    sequential_cold_bonus: float = Field(1.0, allow_inf_nan=False)
    sequential_max_epochs: int = Field(60, ge=1)
    sequential_patience: int = Field(5, ge=1)
    sequential_batch_size: int = Field(64, ge=1)
    sequential_learning_rate: float = Field(3e-3, gt=0, allow_inf_nan=False)
    sequential_label_smoothing: float = Field(0.0, ge=0, lt=1)
    sequential_n_negatives: int = Field(0, ge=0)
    sequential_device: Annotated[str, Field(pattern=r"^(cpu|mps|cuda(:\d+)?)$")] = "cpu"


class RankingSettings(_Room):
    """The language model's voice in the order.

    Attributes:
        slate_size: How many fused candidates the model sees.
        lm_weight: Weight of its standardised score beside the retrievers'. Small: a 135M model that was not
            fine-tuned ranks at chance (docs/experiments.md). Where the adapter has a `fusion.json`, its learned weights
            count instead, unless this is 0.
        mode: `listwise` shows all candidates in one prompt; `isolated` has each judged by itself, so that no score
            depends on another candidate or on their order; `likelihood` asks nothing: a score is how likely the
            candidate's text is to come next, also of each by itself; `item_tokens` shows none: an adapter trained in
            that mode reads histories of this catalogue's items and scores all of them in one pass.
        text: How items are shown to the model; `short` leaves out descriptions, all facts but the first, and what a
            title's last brackets repeat of the facts; `title` all but that title. As an adapter was trained.
        max_history: Newest titles of a history that are shown.
        n_orders: Of `listwise`: in how many orders the slate is shown, each for the cost of one; scores are averaged.
        min_label_mass: Below this the model is not answering and the retrieval order stands.
        context: What the weekday and time of day of a request are worth (docs/running-experiments.md: so far nothing).
        exposure: How far the last places of a list go to items that nobody would be shown: 0 not at all, 1 as far as
            the candidates reach; see docs/fairness.md for what it costs.
        exposure_places: How many items a list shows, for `exposure`.
    """

    mode: Literal["listwise", "isolated", "likelihood", "item_tokens"] = "listwise"
    text: Literal["full", "short", "title"] = "full"
    max_history: int = Field(20, ge=1, le=200)
    slate_size: int = Field(20, ge=2, le=200)
    n_orders: int = Field(1, ge=1, le=20)
    lm_weight: Weight = 0.1
    max_lift: int = Field(10, ge=0)
    min_label_mass: float = Field(0.01, ge=0, le=1)
    max_prompt_tokens: int = Field(1024, ge=128)
    context: float = Field(0.0, ge=0, le=10)
    exposure: float = Field(0.0, ge=0, le=1)
    exposure_places: int = Field(10, ge=1, le=100)
    timeout_s: Seconds = 30.0


class ExplanationSettings(_Room):
    """How many explanations the model may try to rephrase, and for how long.

    Attributes:
        n_rereads: How often it may be asked again without one of the user's items; each costs as much as ranking once.
    """

    n_rereads: int = Field(2, ge=0, le=50)
    n_phrased: int = Field(3, ge=0, le=50)
    max_new_tokens: int = Field(40, ge=4, le=500)
    timeout_s: Seconds = 20.0


class DialogueSettings(_Room):
    """When a question is asked beside the cards.

    Attributes:
        question_cost_bits: What the first question costs somebody unknown, in halvings of the candidates; each thing
            said and each question asked makes the next one as much dearer. 100 never asks.
    """

    question_cost_bits: float = Field(0.4, ge=0, le=100, allow_inf_nan=False)


class ExplorationSettings(_Room):
    """A place of the list whose item a bandit draws among styles, so that more is learned than what is shown already.

    Attributes:
        place: Which one, from 1; 0 explores nothing. The last place of a list costs least.
        styles: Who nominates beside the ranking: `rare` what fewest users met, `different` what is least like the list.
    """

    place: int = Field(0, ge=0, le=100)
    styles: tuple[Literal["rare", "different"], ...] = ("rare", "different")


class Settings(_Room):
    """All settings of a recommender."""

    encoder: EncoderSettings = EncoderSettings()
    language_model: LanguageModelSettings = LanguageModelSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    models: ModelSettings = ModelSettings()
    ranking: RankingSettings = RankingSettings()
    explanation: ExplanationSettings = ExplanationSettings()
    dialogue: DialogueSettings = DialogueSettings()
    exploration: ExplorationSettings = ExplorationSettings()

    @model_validator(mode="after")
    def _slate_is_fed(self) -> Self:
        if self.retrieval.n_candidates < self.ranking.slate_size:
            raise ValueError(
                f"retrieval.n_candidates is {self.retrieval.n_candidates}; "
                f"it must be at least ranking.slate_size ({self.ranking.slate_size})"
            )
        return self

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> Settings:
        """Settings from nested `values`. Raises ConfigError for the first key or value that is wrong."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _config_error(error) from error

    @classmethod
    def from_file(cls, path: Path) -> Settings:
        """Settings from a TOML or JSON file. Raises ConfigError."""
        try:
            text = path.read_text(encoding="utf-8")
            values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError(f"the settings file {path} cannot be read: {error}.") from error
        return cls.from_mapping(values)

    def changed(self, assignments: Sequence[str]) -> Settings:
        """These settings with `room.key=value` assignments on top; several values as `a,b` or `["a", "b"]`.

        Raises:
            ConfigError: An assignment is none, or its key or value is wrong.
        """
        values = self.model_dump()
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            room, dot, name = key.strip().partition(".")
            if not equals or not dot:
                raise ConfigError(
                    f"{assignment!r} is not a setting; write room.key=value, as in ranking.slate_size=10."
                )
            keys = values.setdefault(room, {})
            keys[name] = _several(key.strip(), text) if isinstance(keys.get(name), tuple) else text.strip()
        return Settings.from_mapping(values)


def _several(key: str, text: str) -> tuple[object, ...]:
    """The values of a setting that holds several. Raises ConfigError."""
    if not text.strip().startswith("["):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        return tuple(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"setting {key}: {text.strip()!r} is not a list.", hint=f'Write {key}=a,b or {key}=["a", "b"].'
        ) from error


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"] if not isinstance(part, int)]  # not the place in a list
    if first["type"] == "tuple_type":
        return ConfigError(f"setting {'.'.join(path)} holds several values.", hint=f'Write {path[-1]} = ["a", "b"].')
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return ConfigError(f"setting {'.'.join(path)}: {message}." if path else f"{message}.")
    known = _keys_beside(path)
    nearest = difflib.get_close_matches(path[-1], known, n=1)
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {', '.join(known)}."
    return ConfigError(f"no setting is called {'.'.join(path)!r}.", hint=hint)


def _keys_beside(path: Sequence[str]) -> list[str]:
    if len(path) == 1:
        return list(Settings.model_fields)
    room = Settings.model_fields[path[0]].annotation
    return list(room.model_fields) if isinstance(room, type) and issubclass(room, BaseModel) else []
