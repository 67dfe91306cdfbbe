"""How settings name a model behind a URL."""

import pytest

from llmrec.assets import AssetStore
from llmrec.errors import ConfigError
from llmrec.language_model.remote_address import Address, is_remote
from llmrec.models import load_language_model
from llmrec.settings import Settings


def test_a_setting_holds_url_and_model() -> None:
    address = Address.of("openai:https://lm.test:8443/v1/#meta/llama-3:8b")
    assert address == Address("https://lm.test:8443/v1", "lm.test", "lm.test:8443", "meta/llama-3:8b")
    assert address.name == "meta/llama-3:8b@lm.test:8443"
    assert is_remote("openai:http://x/v1#m")
    assert not is_remote("smollm2-135m-instruct")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("openai:", r"'' is not the URL of a server\. Write openai:http://127\.0\.0\.1:8080/v1#model"),
        ("openai:ftp://x/v1#m", "is not the URL of a server"),
        ("openai:http://x/v1?key=1#m", "is not the URL of a server"),
        ("openai:http://x:port/v1#m", "is no URL"),
        ("openai:http://[::1/v1#m", "is no URL"),
        ("openai:http://x/v1", "names no model of x"),
        ("openai:http://me:sk-1@x/v1#m", "Put the key into the environment as LLMREC_LM_KEY"),
    ],
)
def test_a_setting_that_names_none_is_said(setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Address.of(setting)
    assert "sk-1" not in str(caught.value)


def test_a_model_alone_may_stand_for_its_room() -> None:
    settings = Settings.from_mapping({"language_model": "openai:http://127.0.0.1:1/v1#m"})
    assert settings.language_model.model == "openai:http://127.0.0.1:1/v1#m"


def test_an_adapter_cannot_be_put_into_a_model_behind_a_url() -> None:
    settings = Settings.from_mapping(
        {"language_model": {"model": "openai:http://127.0.0.1:1/v1#m", "adapter": "somewhere"}}
    )
    with pytest.raises(ConfigError, match="a model behind a URL takes none from here"):
        load_language_model(settings.language_model, AssetStore.from_environment(offline=True))
