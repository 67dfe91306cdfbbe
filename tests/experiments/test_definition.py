from pathlib import Path

import pytest

from llmrec.errors import ArtifactError, ConfigError
from llmrec.experiments.definition import (
    EXPERIMENTS_FILE,
    Experiment,
    named,
    new_experiment,
    read_experiments,
    running,
    start,
    stop,
)
from llmrec.types import UserId


def experiment(name: str = "colours", **values: object) -> Experiment:
    arms = [{"name": "now"}, {"name": "new", "settings": ("ranking.lm_weight=0",)}]
    return new_experiment(**{"name": name, "arms": arms, "started_at": 5.0, **values})


def test_what_was_started_runs_until_it_is_stopped(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    start(tmp_path, experiment())
    assert running(tmp_path) == experiment()
    assert stop(tmp_path, at=9.0).stopped_at == 9.0
    assert running(tmp_path) is None
    start(tmp_path, experiment("shapes"))
    assert [one.name for one in read_experiments(tmp_path)] == ["colours", "shapes"]
    assert (named(tmp_path, "").name, named(tmp_path, "colours").stopped_at) == ("shapes", 9.0)


def test_one_runs_at_a_time_and_no_name_comes_twice(tmp_path: Path) -> None:
    start(tmp_path, experiment())
    with pytest.raises(ConfigError, match=r"colours is still running in .*\. Stop it first\."):
        start(tmp_path, experiment("shapes"))
    stop(tmp_path, at=9.0)
    with pytest.raises(ConfigError, match="had an experiment colours before"):
        start(tmp_path, experiment())
    with pytest.raises(ConfigError, match="no experiment is running"):
        stop(tmp_path, at=9.0)
    with pytest.raises(ConfigError, match=r"has no experiment 'sizes'\. It has colours\."):
        named(tmp_path, "sizes")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"arms": [{"name": "a"}]}, "experiment arms: Tuple should have at least 2 items"),
        ({"arms": [{"name": "a"}, {"name": "a"}]}, "two arms of colours have the same name"),
        ({"arms": [{"name": "a"}, {"name": "b/c"}]}, "experiment arms.1.name: String should match pattern"),
        ({"design": "interleave", "arms": [{"name": n} for n in "abc"]}, "colours interleaves 3 arms; it can be two"),
        ({"clicks": ("stare",)}, "experiment clicks.0: Input should be 'like'"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        experiment(**values)


def test_a_damaged_file_is_told_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / EXPERIMENTS_FILE).write_text('{"format": 2}')
    with pytest.raises(ArtifactError, match="cannot be read as experiments"):
        start(tmp_path, experiment())
    assert (tmp_path / EXPERIMENTS_FILE).read_text() == '{"format": 2}'


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="there is no directory"):
        start(tmp_path / "nowhere", experiment())


def test_arms_have_equal_shares() -> None:
    one = experiment()
    arms = [one.arm_of(UserId(str(number))).name for number in range(2000)]
    assert arms.count("now") == pytest.approx(1000, abs=80)
