"""Whatever is sent to whatever route, no answer is a fault of ours, and each is as the OpenAPI document says.

`LLMREC_FUZZ=10000` (`make fuzz`) sends at least so many requests; without it each operation gets a few, the same ones
every day.
"""

from __future__ import annotations

import os
import sys
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

N_REQUESTS = int(os.environ.get("LLMREC_FUZZ", "1"))
IS_LONG = N_REQUESTS > 1
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDS = settings(
    max_examples=100 if IS_LONG else 15,  # of each operation in one round
    deadline=None,
    database=None,
    derandomize=not IS_LONG,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def service(plain_recommender: Recommender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    one = run_service(plain_recommender, OPEN, Stores.in_directory(tmp_path_factory.mktemp("fuzz")))
    yield one
    one.stop()


def test_no_request_finds_a_fault_or_an_undocumented_answer(
    service: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    document = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) >= 16
    n_sent = 0
    while n_sent < N_REQUESTS:
        n_sent += sum(map(_fuzz, operations))
        if IS_LONG:
            with capsys.disabled():
                sys.stdout.write(f"{n_sent} requests, no fault\n")


def _fuzz(operation: APIOperation) -> int:
    """How many requests were sent."""
    n_sent = 0

    # Not through schemathesis' own pytest plugin, which lags behind pytest.
    @BOUNDS
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )
    def every_request(case: schemathesis.Case) -> None:
        nonlocal n_sent
        n_sent += 1
        case.call_and_validate(checks=CHECKS)

    every_request()
    return n_sent
