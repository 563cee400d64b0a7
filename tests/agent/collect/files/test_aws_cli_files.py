"""What of a folder is read as a file of the CLI, and what is an error that names it."""

from __future__ import annotations

import codecs
import json
import os
from pathlib import Path

import pytest

from agent.collect.estate import EstateError
from checks.document import DocumentError
from tests.agent.collect.files.cli_folders import ACCOUNT, ENCRYPTED, FOLDER, REGION, imported, only, put, run

# -- what is a file ----------------------------------------------------------------------------------------------------

BAD = {
    "a bare list": b'[{"VolumeId": "vol-1"}]',
    "not a JSON object": b'"Volumes"',
    "not JSON": b"{'Volumes': []}",
    "empty": b"  \n",
    "'Encrypted' stands twice": b'{"Volumes": [{"Encrypted": false, "Encrypted": true}]}',
    "lone surrogate": b'{"Volumes": [{"VolumeId": "vol-\\ud800"}]}',
    "NaN is not a number": b'{"Volumes": [{"Size": NaN}]}',
    "nested deeper than": b'{"Volumes": ' + b"[" * 200 + b"]" * 200 + b"}",
    "deeper than": b'{"Volumes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not UTF-8": b'{"Volumes": "\xff"}',
    "not JSON as AWS": b'{"Volumes": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize(("said", "raw"), BAD.items(), ids=BAD)
def test_a_broken_file_is_an_error_that_names_it_and_leaves_nothing_behind(tmp_path: Path, said: str, raw: bytes) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/ec2.describe-volumes.json": raw})
    with pytest.raises(DocumentError, match=said) as caught:
        run(source)
    assert "ec2.describe-volumes.json" in str(caught.value)
    assert sorted(tmp_path.iterdir()) == [source]


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/Volumes.json": b""})
    os.truncate(source / FOLDER / "Volumes.json", 200_000_001)
    with pytest.raises(DocumentError, match="larger than 200 MB"):
        run(source)


def test_links_lead_nowhere_outside_the_folder(tmp_path: Path) -> None:
    outside = put(tmp_path / "elsewhere", {"Volumes.json": {"Volumes": [ENCRYPTED]}})
    source = put(tmp_path / "src", {f"{FOLDER}/Vpcs.json": {"Vpcs": []}})
    (source / FOLDER / "Volumes.json").symlink_to(outside / "Volumes.json")
    with pytest.raises(EstateError, match=r"Volumes\.json: a link that leads out"):
        run(source)
    (source / FOLDER / "Volumes.json").unlink()
    (source / "more").symlink_to(outside, target_is_directory=True)
    with pytest.raises(EstateError, match="more: a link that leads out"):
        run(source)


def test_a_link_inside_the_folder_is_a_file_and_a_dead_one_is_an_error(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {"kept/Volumes.json": {"Volumes": [ENCRYPTED]}})
    (source / FOLDER).mkdir(parents=True)
    (source / FOLDER / "Volumes.json").symlink_to(source / "kept" / "Volumes.json")
    assert only(imported(source, account=ACCOUNT, region=REGION), "aws.ec2.volume").id == "vol-1"
    (source / FOLDER / "Vpcs.json").symlink_to(source / "nowhere.json")
    with pytest.raises(DocumentError, match=r"Vpcs\.json: cannot be read"):
        run(source)


@pytest.mark.parametrize("make", ["nothing", "empty", "useless", "file"])
def test_a_folder_without_answers_is_an_error(tmp_path: Path, make: str) -> None:
    source = tmp_path / "src"
    match make:
        case "empty":
            source.mkdir()
        case "useless":
            put(source, {"readme.txt": b""})
        case "file":
            source.write_text("{}")
    with pytest.raises(EstateError, match="src"):
        run(source)


def test_an_estate_is_never_written_over_another(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/Volumes.json": {"Volumes": []}})
    run(source)
    with pytest.raises(EstateError, match="never written over"):
        run(source)


def test_what_powershell_writes_is_read(tmp_path: Path) -> None:
    text = json.dumps({"Volumes": [ENCRYPTED]})
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/ec2.describe-volumes.json": codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
            f"{FOLDER}/ec2.describe-vpcs.json": codecs.BOM_UTF8 + b'{"Vpcs": []}',
        },
    )
    assert only(imported(source), "aws.ec2.volume").id == "vol-1"
