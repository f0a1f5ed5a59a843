"""What the confidence of a fact says: the share that proved right, by field, method and weight."""

from __future__ import annotations

from unittest.mock import patch

from extraction import calibration
from extraction.calibration import confidence
from extraction.findings import Finding, fact
from reports.provenance import how

TABLE = {"phone": {"text": [(0.6, 0.75), (0.8, 0.9)]}, "industry": {"keywords": [(0.2, 0.8)]}}


def test_the_weight_decides_within_a_method() -> None:
    with patch.object(calibration, "table", lambda: TABLE):
        assert [confidence("phone", "text", weight) for weight in (0.3, 0.6, 0.79, 0.8, 1.4)] == [
            0.75,
            0.75,
            0.75,
            0.9,
            0.9,
        ]
        assert confidence("nace", "keywords", 0.5) == 0.8  # the industry by its number


def test_what_the_table_does_not_know_keeps_its_weight() -> None:
    with patch.object(calibration, "table", lambda: TABLE):
        assert confidence("phone", "a plug-in's", 0.3333) == 0.333
        assert confidence("logo_url", "text", 1.7) == 1.0 and confidence("logo_url", "text", -1) == 0.0


def test_a_fact_is_calibrated_and_a_candidate_is_not(document) -> None:
    seen = document("<p>Tel. 0114 496 0123").found("phone", "0114 496 0123", "text", 0.65)
    assert isinstance(seen, Finding)
    with patch.object(calibration, "table", lambda: TABLE):
        assert fact(seen)["confidence"] == 0.75
        assert fact(seen, chosen=False)["confidence"] == 0.65


def test_the_shipped_table_rises_with_the_weight_and_promises_nothing_certain() -> None:
    assert {"name", "phone", "email", "address", "country", "language"} <= set(calibration.table())
    for field, methods in calibration.table().items():
        for method, steps in methods.items():
            weights, shares = zip(*steps, strict=True)
            assert list(weights) == sorted(weights) and list(shares) == sorted(shares), (field, method)
            assert weights[0] >= 0 and shares[0] > 0 and shares[-1] < 1, (field, method)


def test_each_method_of_the_shipped_table_is_told_in_words() -> None:
    words_of_their_own = {"imprint", "link", "logo", "script"}
    methods = {method for of_field in calibration.table().values() for method in of_field}
    assert {method for method in methods if how(method) == method} <= words_of_their_own
