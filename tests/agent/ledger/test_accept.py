"""The exceptions file: one entry put in or renewed, all else as somebody wrote it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from agent.ledger import LedgerError
from agent.ledger.accept import acceptance, write
from agent.rulebook import read_document
from checks.document import DocumentError
from checks.lifecycle import Known, Status
from checks.model import Subject
from checks.promise import Acceptance, read_exceptions

TODAY, LATER = date(2026, 11, 20), date(2027, 6, 30)
WRITTEN = """# Who accepts what, and until when.
schema: upheld.exceptions/1
exceptions:
  - finding: f1   # the web site
    rule: r1
    owner: a@shop.example
    reason: "public: it is the web site"
    expires: "2027-01-01"
    digest: d1

  # agreed in the meeting of May
  - {finding: f2, owner: b, reason: c, expires: "2027-01-01", digest: d2}
"""


def known(name: str = "f9", status: Status = Status.BROKEN, counterexample: str = "c9") -> Known:
    subject = Subject("aws.ec2.volume", "vol-9: #9", "111122223333", "eu-central-1")
    return Known(1, name, "r9", "high", subject, ("p",), status, "because", counterexample, None, "d", "t", "t", "t")


def accepted(name: str = "f9", reason: str = "no data: a # b") -> Acceptance:
    return acceptance(known(name), "ciso@shop.example", reason, LATER, TODAY)


def held(file: Path) -> dict[str, Acceptance]:
    return dict(read_exceptions(read_document(file)))


def test_an_entry_is_put_at_the_end_and_all_else_stays(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.yaml"
    file.write_text(WRITTEN)
    assert write(accepted(), file) is False
    assert file.read_text().startswith(WRITTEN)
    assert held(file)["f9"] == accepted()
    assert held(file).keys() == {"f1", "f2", "f9"}


@pytest.mark.parametrize("name", ["f1", "f2", "f9"])
def test_an_entry_that_is_there_is_renewed_in_its_place(tmp_path: Path, name: str) -> None:
    file = tmp_path / "exceptions.yaml"
    file.write_text(WRITTEN)
    write(accepted("f9", "an older reason"), file)
    assert write(accepted(name), file) is True
    assert held(file)[name] == accepted(name)
    assert held(file).keys() == {"f1", "f2", "f9"}
    assert "# agreed in the meeting of May" in file.read_text()


@pytest.mark.parametrize("text", [None, "schema: upheld.exceptions/1\nexceptions: []\n", WRITTEN.rstrip("\n")])
def test_an_empty_file_and_none_at_all_and_one_without_a_last_newline(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "exceptions.yaml"
    if text is not None:
        file.write_text(text)
    write(accepted(), file)
    assert held(file)["f9"] == accepted()


@pytest.mark.parametrize(
    "text", ["schema: upheld.exceptions/1\nexceptions: [{finding: f1, owner: a, reason: b, expires: '2027-01-01', digest: d}]\n"]
)
def test_a_file_in_another_form_stays_as_it_is_and_is_told_the_entry(tmp_path: Path, text: str) -> None:
    file = tmp_path / "exceptions.yaml"
    file.write_text(text)
    with pytest.raises((LedgerError, DocumentError)):
        write(accepted(), file)
    assert file.read_text() == text


def test_a_file_that_is_no_exceptions_file_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.yaml"
    file.write_text("schema: upheld.exceptions/9\nexceptions: [x]\n")
    with pytest.raises(DocumentError):
        write(accepted(), file)
    assert "exceptions/9" in file.read_text()


@pytest.mark.parametrize(
    ("one", "owner", "until", "said"),
    [
        (known(status=Status.UPHELD), "a", LATER, "is upheld: only what is broken"),
        (known(status=Status.GONE), "a", LATER, "is gone: only what is broken"),
        (known(counterexample=""), "a", LATER, "only what is broken"),
        (known(), " ", LATER, "an owner and a reason"),
        (known(), "a", date(2026, 11, 19), "has passed"),
    ],
)
def test_what_cannot_be_accepted(one: Known, owner: str, until: date, said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        acceptance(one, owner, "reason", until, TODAY)


def test_rows_are_accepted_as_they_are_and_those_to_come_only_where_that_is_said() -> None:
    rows = known(counterexample="c9@2026-11-20T14=2")
    assert acceptance(rows, "o", "r", LATER, TODAY).digest == "c9@2026-11-20T14=2"
    standing = acceptance(rows, "o", "r", LATER, TODAY, standing=True)
    assert (standing.digest, standing.standing) == ("c9", True)
    with pytest.raises(LedgerError, match="no rows of a log"):
        acceptance(known(), "o", "r", LATER, TODAY, standing=True)


def test_a_standing_exception_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.yaml"
    rows = acceptance(known(counterexample="c9@2026-11-20T14=2"), "o", "r", LATER, TODAY, standing=True)
    write(rows, file)
    assert held(file) == {"f9": rows}
