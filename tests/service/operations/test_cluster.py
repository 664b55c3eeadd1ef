"""The service with its pictures examined on a Ray cluster: `idproof serve --executor ray`, as an operator starts it."""

import signal
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from server_process import start, stop

from idproof.benchmarks.capacity.model import REPLICA_MIB
from idproof.pipeline import Policy, captures_fresh
from idproof.pipeline.errors import ClusterUnavailable
from idproof.pipeline.liveness import examiner, gaze
from idproof.service.errors import SettingsInvalid
from idproof.service.operations import cluster, server
from idproof.service.operations.policy import build_policy
from idproof.service.operations.settings import Settings

ROOT = Path(__file__).parents[3]


def test_a_registration_is_verified_on_the_cluster_that_the_server_starts(
    tmp_path: Path, parts: dict[str, bytes]
) -> None:
    running, process = start(tmp_path, more=("--executor", "ray", "--replicas", "1"))
    try:
        files = {role: (f"{role}.jpg", data, "image/jpeg") for role, data in parts.items()}
        with httpx.Client(base_url=running.url, timeout=120) as client:
            session = client.post("/v1/capture-sessions").json()["id"]
            answer = client.post("/v1/verifications", files=files, headers={"Capture-Session": session})
            broken = {**files, "selfie": ("selfie.jpg", b"\xff\xd8 no picture", "image/jpeg")}
            session = client.post("/v1/capture-sessions").json()["id"]
            refused = client.post("/v1/verifications", files=broken, headers={"Capture-Session": session})
        verdict = answer.json()
        assert (answer.status_code, verdict["decision"]) == (201, "accept"), verdict
        assert verdict["timings_ms"]["cluster"] > 0
        held = {entry["kind"]: entry["count"] for entry in verdict["deletion"]["wiped"]}
        assert held["upload"] == 8
        assert {"malloc_perturb", "not_dumpable", "no_core_dumps"} <= set(verdict["deletion"]["guards"])
        assert (refused.status_code, refused.json()["code"]) == (422, "capture_unreadable")
    finally:
        assert stop(process) in (0, -signal.SIGTERM)  # uvicorn ends by the signal once its work is done
    number = verdict["form"]["number"]
    assert number not in running.logged()


def test_the_service_verifies_as_many_registrations_at_once_as_there_may_be_replicas() -> None:
    settings = Settings(executor="ray", replicas=2, max_replicas=6, concurrency=1)
    assert cluster.with_cluster_concurrency(settings).concurrency == 6
    assert cluster.with_cluster_concurrency(Settings(concurrency=3)).concurrency == 3


def test_replicas_get_the_guards_and_threads_of_the_settings() -> None:
    spec = cluster.replica_config(Settings(production=True, threads=2, branches=3))
    assert (spec.production, spec.inspectable, spec.threads, spec.branches) == (True, False, 2, 3)


def test_a_kiosk_uses_the_limits_for_standing_people_in_process_and_on_a_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Policy] = []
    monkeypatch.setattr(server.Verifier, "open", lambda **chosen: opened.append(chosen["policy"]))
    for distance in ("standing", "arm"):
        settings = Settings(liveness_distance=distance)
        server._verifier(settings)
        assert opened[-1] == cluster.replica_config(settings).policy
    standing, arm = opened
    assert standing.liveness_calibration is examiner.standing_calibration()
    assert standing.version == f"{arm.version}-standing"
    assert arm == replace(Policy(), required=(*Policy().required, captures_fresh.NAME))


def test_an_operator_can_require_the_check_of_the_eyes() -> None:
    plain, chosen = build_policy(Settings()), build_policy(Settings(gaze_required=True))
    assert set(chosen.required) - set(plain.required) == {gaze.NAME}
    assert chosen.version == f"{plain.version}+gaze"


def test_the_policy_is_named_after_the_light_on_the_card() -> None:
    plain, chosen = build_policy(Settings()), build_policy(Settings(card_light_required=True))
    assert chosen == replace(plain, version=f"{plain.version}+card-light")


def test_the_services_document_type_is_the_one_that_pictures_are_examined_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(server.Verifier, "open", lambda **chosen: opened.append(chosen["document"]))
    monkeypatch.setenv("IDPROOF_DOCUMENT", "types/mine.toml")
    settings = Settings.load()
    server._verifier(settings)
    assert opened == ["types/mine.toml"] == [cluster.replica_config(settings).document]
    with pytest.raises(SettingsInvalid, match="sandbox"):
        Settings.load(sandbox=True)


def test_a_maximum_below_the_minimum_of_replicas_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="max_replicas"):
        Settings.load(replicas=3, max_replicas=2)


def test_a_missing_cluster_is_reported_in_one_sentence() -> None:
    from idproof.pipeline.executors import ray_cluster

    with pytest.raises(ClusterUnavailable, match="No Ray cluster can be reached"):
        ray_cluster.start("127.0.0.1:1")


def test_the_kubernetes_manifest_matches_the_code() -> None:
    from yaml import safe_load

    from idproof.pipeline.executors import ray_cluster

    described = safe_load((ROOT / "service" / "operations" / "kuberay.yaml").read_text())
    served = safe_load(described["spec"]["serveConfigV2"])
    (application,) = served["applications"]
    assert (application["name"], served["proxy_location"]) == (ray_cluster.APPLICATION, "Disabled")
    assert application["import_path"] == f"{ray_cluster.build.__module__}:{ray_cluster.build.__name__}"
    assert ray_cluster.build(application["args"]) is not None
    with pytest.raises(TypeError):
        ray_cluster.build({"no_such_thing": 1})
    (group,) = described["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    limits = group["template"]["spec"]["containers"][0]["resources"]["requests"]
    assert int(limits["memory"].removesuffix("Gi")) * 1024 >= int(limits["cpu"]) * REPLICA_MIB


def test_several_server_processes_need_the_address_of_a_cluster(tmp_path: Path) -> None:
    from idproof.service.operations import server

    with pytest.raises(SettingsInvalid, match="address"):
        server.run(Settings(data_dir=tmp_path, executor="ray"), "127.0.0.1", 1, workers=2)
