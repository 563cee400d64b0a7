"""Whatever bytes a file holds, a reader does not fail, and every line of it is a row or is counted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.logs.formats import cloudfront, parquet, vpc_flow
from checks.logs.formats.columns import address_arrays
from checks.logs.formats.detect import READERS, detect
from checks.logs.formats.faults import Faults, NotRecords
from checks.logs.formats.lines import BYTE_ORDER_MARK
from checks.logs.table import address_parts
from checks.logs.tables import TABLES
from tests.checks.logs.formats import test_balancers, test_cloudfront, test_declared, test_route53_resolver, test_s3_access
from tests.checks.logs.formats.test_vpc_flow_parquet import COLUMNS, packed

FLOW = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
SAMPLES = {
    "alb_connection": [test_balancers.CONNECTION],
    "cloudfront": [*test_cloudfront.HEAD, test_cloudfront.ROW],
    "elb": [test_balancers.CLASSIC],
    "nlb_tls": [test_balancers.NLB],
    "route53_resolver": [test_route53_resolver.query()],
    "s3_access": [test_s3_access.GET, test_s3_access.BATCH],
    "vpc_flow": [FLOW, "2 111122223333 eni-0a1 203.0.113.7 10.0.1.5 51034 443 6 12 4200 1795183262 1795183265 ACCEPT OK"],
    "web": [test_declared.COMBINED],
}
HEADS: dict[str, Callable[[bytes], bool]] = {
    "cloudfront": lambda line: line.startswith((b"#Version:", b"#Fields:")),
    "vpc_flow": lambda line: vpc_flow.header(line) is not None,
}
"""Lines that are no records, by the format that has such."""
ODD = [b"\0", b"\xff", b'"', b'\\"', b" ", b"\t", b"-", b"\r", b"[", b"\xef\xbb\xbf", "é".encode(), b"9" * 30, b"\x01", b"#", b"{", b"\x0b"]


@st.composite
def damaged(draw: st.DrawFn, samples: list[str]) -> bytes:
    """Lines of a format, some with something else in them, or cut off, or all but one removed."""
    lines = []
    for line in draw(st.lists(st.sampled_from(samples), max_size=8)):
        raw = line.encode()
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, len(raw)))
            raw = draw(st.sampled_from([raw[:at], raw[:at] + draw(st.sampled_from(ODD)) + raw[at:], raw[:at] + raw[at + 1 :], raw[at:]]))
        lines.append(raw)
    return b"\n".join(draw(st.permutations([*lines, *draw(st.lists(st.sampled_from([b"", b"\r", b"x", b" "]), max_size=3))])))


def account(format_: str, raw: bytes, size: int) -> None:
    """Reads a file in pieces, and holds its rows and faults against its lines."""
    if raw.startswith(parquet.MAGIC):
        return  # has no lines, and may be refused
    faults = Faults()
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    batches = list(READERS[format_](pieces, "object", faults))
    for batch in batches:
        batch.validate(full=True)
        assert batch.schema.equals(TABLES[f"log.{format_}"].schema())
    numbers = [number for batch in batches for number in batch.column("line").to_pylist()]
    assert numbers == sorted(set(numbers))
    is_head = HEADS.get(format_, lambda _: False)
    lines = raw.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    least, most = sum(bool(line.strip()) and not is_head(line) for line in lines), sum(line not in {b"", b"\r"} for line in lines)
    assert least <= len(numbers) + faults.lost - faults.counts.get("skipdata", 0) <= most


@pytest.mark.parametrize("format_", SAMPLES)
@given(data=st.data())
def test_every_line_of_a_damaged_file_is_a_row_or_is_counted(format_: str, data: st.DataObject) -> None:
    account(format_, data.draw(damaged(SAMPLES[format_])), data.draw(st.sampled_from([1, 13, 100_000])))


@pytest.mark.parametrize("format_", SAMPLES)
@given(raw=st.binary(max_size=200) | st.text(st.sampled_from(' -"\n\r\t[]{}:,.09aT\\é#'), max_size=100).map(str.encode))
def test_any_bytes_are_rows_or_are_counted(format_: str, raw: bytes) -> None:
    account(format_, raw, 50)


@given(data=st.data())
def test_damaged_parquet_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(packed(COLUMNS, compression="none"))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(NotRecords):
        list(vpc_flow.read([bytes(raw)], "object", Faults()))


@pytest.mark.parametrize("format_", SAMPLES)
def test_each_format_is_told_by_its_first_line_alone(format_: str) -> None:
    raw = "\n".join(SAMPLES[format_]).encode()
    assert detect(raw) == detect(b"\xef\xbb\xbf\n" + raw) == format_
    assert detect(raw[::-1]) is None


@pytest.mark.parametrize("format_", SAMPLES)
def test_a_cut_off_or_empty_file_is_read_as_far_as_it_goes(format_: str) -> None:
    raw = "\n".join([*SAMPLES[format_], *SAMPLES[format_][-1:] * 2]).encode()
    account(format_, raw[:-30], 1 << 16)
    account(format_, b"", 1 << 16)
    account(format_, b"\n\n", 1 << 16)


@pytest.mark.parametrize("format_", SAMPLES)
def test_a_line_of_many_megabytes_costs_that_line(format_: str) -> None:
    *heads, row = SAMPLES[format_]
    raw = "\n".join([*heads, row, "x" * 10_000_000, row]).encode()
    faults = Faults()
    pieces = [raw[at : at + (1 << 16)] for at in range(0, len(raw), 1 << 16)]
    rows = sum(batch.num_rows for batch in READERS[format_](pieces, "object", faults))
    assert rows == 2 + sum(not HEADS.get(format_, lambda _: False)(head.encode()) for head in heads)
    assert faults.counts == {"long-line": 1}


def test_a_header_of_cloudfront_is_one_only_with_its_fields() -> None:
    assert cloudfront.is_header(b"#Version: 1.0")
    assert cloudfront.is_header(b"#Fields: date time c-ip")
    assert not cloudfront.is_header(b"#Fields: one two")


def test_parquet_that_is_no_log_raises_nothing_else() -> None:
    with pytest.raises(NotRecords):
        list(vpc_flow.read([b"PAR1"], "object", Faults()))


@given(st.lists(st.none() | st.ip_addresses().map(str) | st.text(st.sampled_from("0129.:af%/ "), max_size=18)))
def test_addresses_are_those_that_python_reads(texts: list[str | None]) -> None:
    def parts(text: str | None) -> tuple[int | None, ...]:
        try:
            return (None,) * 3 if text is None else address_parts(text)
        except ValueError:
            return (None,) * 3

    found = address_arrays(pa.array(texts, pa.string()), "source")
    assert list(zip(*(column.to_pylist() for column in found.values()), strict=True)) == [parts(text) for text in texts]
