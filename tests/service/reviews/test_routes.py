"""The endpoints of reviews over HTTP: enrolment, queue, claim, pictures, decision, and who may do none of it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_keys import bearer, key
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fakes import FakeVerifier, ask
from review_bench import COMMENT, PICTURES, ReviewBench
from sqlalchemy import update

from idproof.pipeline.vault.sealed_copies import context_of
from idproof.service.auth.clients import Scope
from idproof.service.cases.states import RegistrationStatus
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.storage.schema_registrations import REVIEWS

SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class Desk:
    """A service with reviews, its administrator, and officers with keys."""

    def __init__(self, folder: Path, **more: Any) -> None:
        told = {"review_referred": True, "anonymous": False, "core_url": "http://127.0.0.1:1"}
        self.settings = Settings(data_dir=folder, **told | more)
        self.app: Any = create_app(self.settings, FakeVerifier())
        self.bench = ReviewBench(self.settings)
        self.admin = bearer(key(self.settings, Scope.ADMIN, client="admin"))
        self.private: dict[str, ec.EllipticCurvePrivateKey] = {}

    def call(self, who: dict[str, str], method: str, path: str, body: Any = None) -> httpx.Response:
        return ask(self.app, method, path, headers=who, **({} if body is None else {"json": body}))

    def officer(self, name: str) -> dict[str, str]:
        """An officer whose enrolment was confirmed."""
        who = bearer(key(self.settings, Scope.REVIEW_WRITE, client=name))
        private = self.private[name] = ec.generate_private_key(ec.SECP256R1())
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        coded = urlsafe_b64encode(point).decode().rstrip("=")
        made = self.call(who, "POST", "/v1/reviewers", {"officer": name, "public_key": coded})
        assert made.status_code == 201, made.text
        body = {"fingerprint": made.json()["fingerprint"]}
        confirmed = self.call(self.admin, "POST", f"/v1/reviewers/{made.json()['id']}/confirm", body)
        assert (confirmed.status_code, confirmed.json()["state"]) == (200, "active"), confirmed.text
        return who


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_two_officers_review_over_http(desk: Desk) -> None:
    anna, ben = desk.officer("anna"), desk.officer("ben")
    registration, review = desk.bench.referred()
    listed = desk.call(anna, "GET", "/v1/reviews?state=waiting&reason=face_similarity_low&limit=5").json()
    assert ([entry["id"] for entry in listed["items"]], listed["next"]) == ([review], None)
    assert desk.call(anna, "GET", f"/v1/reviews/{review}").json()["code"] == "review_not_claimed"
    assert desk.call(anna, "POST", f"/v1/reviews/{review}/claim").json()["mine"] is True
    found = desk.call(anna | {"Accept-Language": "zh-HK"}, "GET", f"/v1/reviews/{review}")
    assert found.headers["content-language"] == "zh-Hant"
    assert set(found.json()["texts"]) >= {"face_similarity_low"}
    body = {"decision": "accept", "officer": "anna", "reason": "records_confirm", "comment": COMMENT}
    path = f"/v1/registrations/{registration}/review"
    assert desk.call(ben, "POST", path, body | {"officer": "ben"}).json()["code"] == "review_not_claimed"
    first = desk.call(anna, "POST", path, body)
    assert (first.status_code, first.json()["outcome"]) == (201, None)
    assert desk.call(ben, "POST", f"/v1/reviews/{review}/claim", {}).status_code == 200
    assert desk.call(ben, "POST", f"/v1/reviews/{review}/release", {}).status_code == 204
    assert desk.call(ben, "POST", f"/v1/reviews/{review}/claim").status_code == 200
    assert desk.call(ben, "POST", path, body).json()["code"] == "officer_differs"
    second = desk.call(ben, "POST", path, body | {"officer": "BEN"})
    assert second.json()["outcome"] == {"decision": "accept", "reason": "records_confirm"}
    assert desk.bench.status(registration) is RegistrationStatus.ACCEPTED
    assert desk.call(ben, "POST", path, body | {"officer": "ben"}).json() == second.json()  # sent again
    other = body | {"officer": "ben", "reason": "doubt_explained"}
    assert desk.call(ben, "POST", path, other).json()["code"] == "review_not_claimed"
    assert desk.call(ben, "GET", "/v1/reviews?state=decided").json()["items"][0]["outcome"]["decision"] == "accept"


def test_nobody_confirms_or_reviews_for_themselves(desk: Desk) -> None:
    both = bearer(key(desk.settings, Scope.REVIEW_WRITE, Scope.ADMIN, client="both"))
    made = desk.call(both, "POST", "/v1/reviewers", {"officer": "both"}).json()
    confirm = f"/v1/reviewers/{made['id']}/confirm"
    assert desk.call(both, "POST", confirm, {}).json()["code"] == "reviewer_taken"
    assert desk.call(both, "GET", "/v1/reviews").json()["code"] == "reviewer_unconfirmed"
    assert desk.call(both, "GET", "/v1/reviewers/me").json()["state"] == "pending"
    assert desk.call(desk.admin, "POST", confirm, {"fingerprint": None}).status_code == 200
    assert desk.call(both, "GET", "/v1/reviews").status_code == 200
    assert [one["officer"] for one in desk.call(desk.admin, "GET", "/v1/reviewers").json()["items"]] == ["both"]
    assert desk.call(desk.admin, "DELETE", f"/v1/reviewers/{made['id']}").status_code == 204
    assert desk.call(desk.admin, "DELETE", f"/v1/reviewers/{made['id']}").status_code == 404
    assert desk.call(both, "GET", "/v1/reviews").json()["code"] == "reviewer_unconfirmed"
    assert desk.call(both, "GET", "/v1/reviewers/me").status_code == 404


def test_the_anonymous_caller_of_this_machine_reviews_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, anonymous=True, reviewers_confirmed=False)
    for method, path in (("GET", "/v1/reviews"), ("POST", "/v1/reviewers")):
        assert desk.call({}, method, path, {} if method == "POST" else None).status_code in (401, 403)


def test_without_the_setting_there_are_no_reviews(tmp_path: Path) -> None:
    desk = Desk(tmp_path, review_referred=False)
    who = bearer(key(desk.settings, Scope.REVIEW_WRITE))
    assert desk.call(who, "GET", "/v1/reviews").json()["code"] == "reviews_off"


def test_pictures_are_answered_once_and_open_with_the_officers_key_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path, review_pictures="sealed", review_officers=1)
    anna = desk.officer("anna")
    reviews = _reviews_of(desk.app)
    desk.bench.reviews = reviews
    _, review = desk.bench.referred()
    desk.call(anna, "POST", f"/v1/reviews/{review}/claim")
    assert desk.call(anna, "GET", f"/v1/reviews/{review}").json()["pictures_until"] is not None
    answer = desk.call(anna, "POST", f"/v1/reviews/{review}/pictures", {}).json()
    wrapped = urlsafe_b64decode(answer["key"] + "==")
    verification = reviews.store.find(review).verification
    mine = desk.private["anna"].public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    content = SUITE.decrypt(wrapped, desk.private["anna"], info=context_of(verification, mine))
    for role, text in answer["pictures"].items():
        data = urlsafe_b64decode(text + "==")
        assert AESGCM(content).decrypt(data[:12], data[12:], role.encode()) == PICTURES[role]
    again = desk.call(anna, "POST", f"/v1/reviews/{review}/pictures", {})
    assert (again.status_code, again.json()["code"]) == (410, "pictures_gone")


def _reviews_of(app: Any) -> Any:
    """The reviews that an application's routes use."""
    for route in app.routes:
        if getattr(route, "path", "") == "/v1/reviews":
            cells = dict(zip(route.endpoint.__code__.co_freevars, route.endpoint.__closure__, strict=True))
            return cells["intake"].cell_contents.reviews
    raise AssertionError("no route of reviews")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/reviewers", {"officer": "a b"}),
        ("/v1/reviewers", {"officer": "anna", "public_key": "AAAA"}),
        ("/v1/reviewers", {"officer": "anna", "public_key": "A" * 87}),
        ("/v1/registrations/reg_" + "0" * 26 + "/review", {"decision": "accept", "officer": "a", "reason": "none"}),
        ("/v1/registrations/reg_" + "0" * 26 + "/review", {"officer": "a", "reason": "records_confirm"}),
        ("/v1/reviews/rev_" + "0" * 26 + "/claim", {"officer": "anna"}),
    ],
)
def test_malformed_bodies_are_refused(desk: Desk, path: str, body: dict[str, str]) -> None:
    who = bearer(key(desk.settings, Scope.REVIEW_WRITE))
    answer = desk.call(who, "POST", path, body)
    assert (answer.status_code, answer.json()["code"]) in {(422, "request_invalid"), (422, "public_key_invalid")}


def test_pages_of_other_sites_cannot_review(desk: Desk) -> None:
    anna = desk.officer("anna")
    registration, review = desk.bench.referred()
    desk.call(anna, "POST", f"/v1/reviews/{review}/claim")
    foreign = anna | {"Origin": "https://evil.example"}
    for path in (f"/v1/reviews/{review}/claim", f"/v1/registrations/{registration}/review", "/v1/reviewers"):
        assert desk.call(foreign, "POST", path, {}).json()["code"] == "origin_foreign"
    form = anna | {"Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(desk.app, "POST", f"/v1/registrations/{registration}/review", headers=form, content=b"decision=accept")
    assert answer.json()["code"] == "content_type_unsupported"


def test_the_length_of_the_queue_and_its_oldest_review_are_metrics(desk: Desk) -> None:
    anna, scraper = desk.officer("anna"), bearer(key(desk.settings, Scope.METRICS_READ, client="scraper"))

    def metrics() -> dict[str, float]:
        lines = desk.call(scraper, "GET", "/metrics").text.splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if "_review" in line[:17])}

    assert metrics()["idproof_review_oldest_seconds"] == 0
    reviews = [desk.bench.referred()[1] for _ in range(3)]
    with desk.bench.store.database.write() as connection:
        old = update(REVIEWS).where(REVIEWS.c.id == reviews[0])
        connection.execute(old.values(opened_ms=REVIEWS.c.opened_ms - 3_600_000))
    assert desk.call(anna, "POST", f"/v1/reviews/{reviews[1]}/claim").status_code == 200
    found = metrics()
    assert (found['idproof_reviews{state="waiting"}'], found['idproof_reviews{state="claimed"}']) == (2, 1)
    assert 3600 <= found["idproof_review_oldest_seconds"] < 3660
