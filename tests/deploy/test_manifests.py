"""What is deployed is what the service is: paths, ports, metrics and options exist, and nothing runs as root."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from sqlalchemy import make_url

from llmrec.cli.main import app
from llmrec.service.engine import Engine
from llmrec.service.gate import OPEN_PATHS
from llmrec.service.metrics import Metrics
from llmrec.service.settings import ServiceSettings
from llmrec.service.tickets import Ticket
from llmrec.types import RankReport, StageTrace

DEPLOY = Path(__file__).parents[2] / "deploy"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    rows = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest.strip()) for word, _, rest in (row.partition(" ") for row in rows)]


def manifests() -> Mapping[str, Any]:
    """Every Kubernetes object by kind and name."""
    named = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == sorted(
        path.name for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml"
    )
    found = [one for name in named for one in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text())]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


def assert_serves(arguments: list[str]) -> None:
    """These arguments are a `llmrec serve` that our own command line reads."""
    command = typer.main.get_command(app)
    serve = command.commands["serve"]
    assert arguments[0] == "serve"
    read = serve.make_context("serve", list(arguments[1:]), resilient_parsing=False).params
    assert (read["host"], read["port"], str(read["state"])) == ("0.0.0.0", 8000, "/state")


def test_the_image_ends_without_root_and_stays_off_the_network() -> None:
    last_stage = instructions()[max(i for i, (word, _) in enumerate(instructions()) if word == "FROM") :]
    words = dict(last_stage)
    assert words["USER"].split(":")[0] not in {"0", "root"}
    environment = dict(pair.split("=", 1) for word, rest in last_stage if word == "ENV" for pair in shlex.split(rest))
    assert (environment["LLMREC_OFFLINE"], environment["HF_HUB_OFFLINE"]) == ("1", "1")
    assert not [rest for word, rest in last_stage if word == "RUN" and re.search(r"pip|curl|wget|apt", rest)]
    assert words["EXPOSE"] == "8000"
    assert "/healthz" in words["HEALTHCHECK"]
    assert json.loads(words["ENTRYPOINT"]) == ["llmrec"]
    assert_serves(json.loads(words["CMD"]))


def test_the_image_copies_what_is_there_and_names_versions() -> None:
    root = DEPLOY.parent
    for word, rest in instructions():
        if word == "COPY" and "--from" not in rest:
            assert all((root / source).exists() for source in rest.split()[:-1]), rest
        if word == "FROM":
            assert ":" in rest or rest.split()[0] in {"build", "models"}, rest


def test_composed_services_are_closed_and_given_time_to_stop() -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    ours = composed["services"]["llmrec"]
    assert ours["read_only"] is True
    assert ours["cap_drop"] == ["ALL"]
    assert int(ours["stop_grace_period"].removesuffix("s")) > ServiceSettings().drain_s
    published = [port for one in composed["services"].values() for port in one.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    used = {volume.split(":")[0] for one in composed["services"].values() for volume in one["volumes"]}
    assert set(composed["volumes"]) == {name for name in used if "/" not in name and "$" not in name}
    for path in (path for path in used if path.startswith("./")):
        assert (DEPLOY / path).exists(), path


def test_the_composed_service_keeps_its_state_in_the_composed_database() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    database = services["postgres"]["environment"]
    address, _, _ = services["llmrec"]["environment"]["LLMREC_STORE"].partition("${")
    _, _, place = services["llmrec"]["environment"]["LLMREC_STORE"].rpartition("}@")
    url = make_url(f"{address}secret@{place}")
    assert (url.drivername, url.host) == ("postgresql+psycopg", "postgres")
    assert (url.username, url.database) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    assert services["llmrec"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert "ports" not in services["postgres"]
    assert any(word == "RUN" and "[postgres]" in rest for word, rest in instructions())


def test_pods_that_share_a_database_may_be_several_and_reach_only_it() -> None:
    folder = DEPLOY / "kubernetes-postgres"
    overlay = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert (folder / overlay["resources"][0]).resolve() == (DEPLOY / "kubernetes").resolve()
    patches = [yaml.safe_load((folder / patch["path"]).read_text()) for patch in overlay["patches"]]
    deployment, policy = patches
    objects = manifests()
    for patch in patches:
        assert f"{patch['kind']}/{patch['metadata']['name']}" in objects
    base = objects["Deployment/llmrec"]["spec"]["template"]["spec"]
    patched = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["replicas"] > 1
    assert [one["name"] for one in patched["containers"]] == [one["name"] for one in base["containers"]]
    serve = typer.main.get_command(app).commands["serve"]
    (store,) = (option for option in serve.params if option.name == "store")
    assert [one["name"] for one in patched["containers"][0]["env"]] == [store.envvar]
    (state,) = patched["volumes"]
    assert state["name"] in {volume["name"] for volume in base["volumes"]}
    assert state["persistentVolumeClaim"] is None
    assert {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]} == {5432, 53}


def test_the_pod_has_probes_limits_and_no_rights() -> None:
    pod = manifests()["Deployment/llmrec"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert_serves(container["args"])
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[name]["httpGet"]["path"] in OPEN_PATHS
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["terminationGracePeriodSeconds"] > ServiceSettings().drain_s
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_manifests_fit_each_other() -> None:
    objects = manifests()
    deployment, service, policy = (objects[f"{kind}/llmrec"] for kind in ("Deployment", "Service", "NetworkPolicy"))
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    assert policy["spec"]["egress"] == []
    # SQLite files have one writer's pod.
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"]["type"] == "Recreate"
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    claims = {one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one}
    assert claims == {name.split("/")[1] for name in objects if name.startswith("PersistentVolumeClaim/")}


@pytest.fixture
def exposed() -> set[str]:
    """Names of every series that a service with one answered request has."""
    engine = Engine(slots=1, queue_size=1, patience_s=1)
    metrics = Metrics(engine)
    ticket = Ticket("ann", 0.0, report=RankReport(label_mass=0.5), degraded="late")
    metrics.answered("/v1/recommend", 200, 0.1)
    metrics.worked([StageTrace("rank", 0.1, 5, 5)], ticket)
    engine.close()
    lines = metrics.text().decode().splitlines()
    return {re.split(r"[{ ]", line)[0] for line in lines if not line.startswith("#")}


def test_the_dashboard_shows_series_that_the_service_has(exposed: set[str]) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "llmrec.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = {name for expression in expressions for name in re.findall(r"\b(?:llmrec|process)_[a-z_]+", expression)}
    assert named <= exposed
    assert len(named) >= 10


def test_prometheus_asks_the_service_with_a_key() -> None:
    job = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"][0]
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert job["static_configs"] == [{"targets": ["llmrec:8000"]}]
    (secret,) = composed["services"]["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
