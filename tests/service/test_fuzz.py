"""Whatever is sent to whatever route, no answer is a fault of ours, and each is as the OpenAPI document says.

`LLMREC_FUZZ=600` (`make fuzz`) tries so many requests on each operation; the default is for every day.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from llmrec.recommender import Recommender
from llmrec.service.house import Stores
from tests.service.conftest import OPEN, Running, run_service

N_EXAMPLES = int(os.environ.get("LLMREC_FUZZ", "15"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDS = settings(
    max_examples=N_EXAMPLES,
    deadline=None,
    database=None,
    derandomize=N_EXAMPLES < 100,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def service(plain_recommender: Recommender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    one = run_service(plain_recommender, OPEN, Stores.in_directory(tmp_path_factory.mktemp("fuzz")))
    yield one
    one.stop()


def test_no_request_finds_a_fault_or_an_undocumented_answer(service: Running) -> None:
    document = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) >= 16
    for operation in operations:
        _fuzz(operation)


def _fuzz(operation: APIOperation) -> None:
    # Not through schemathesis' own pytest plugin, which lags behind pytest.
    @BOUNDS
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )
    def every_request(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    every_request()
