"""Files that hold tables or JSON lines, and those that do not."""

import gzip
from pathlib import Path

import pytest
from error_codes import raises_code
from unit.datasets.labelled_files import written

from worker.datasets.labelled import read_labelled
from worker.datasets.tables import check_kind
from worker.errors import Code, SettingError


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv.gz"
    file.write_bytes(gzip.compress(b"text\tlabel\nx\t1\ny\t0\n"))

    assert read_labelled(file, ["no", "yes"]).truth.tolist() == [1, 0]


@pytest.mark.parametrize("delimiter", [pytest.param(";", id="semicolons"), pytest.param("\t", id="tabs")])
def test_the_header_of_a_csv_file_says_what_parts_its_cells(tmp_path: Path, delimiter: str) -> None:
    content = "text,label\none, two,a\nthree,b\n".replace(",", delimiter).replace(f"one{delimiter}", "one,")
    data = read_labelled(written(tmp_path, "a.csv", content))

    assert (data.texts, data.labels) == (("one, two", "three"), ("a", "b"))


def test_a_packed_file_that_is_cut_off_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(b"text,label\n" + b"x,a\ny,b\n" * 99)[:-9])

    with raises_code(SettingError, Code.FILE_DAMAGED) as refused:
        read_labelled(file)
    assert "a.csv.gz" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b'{"text": "\xff"}', Code.FILE_NOT_UTF8, id="not UTF-8"),
        pytest.param(b"\xff\xfe", Code.FILE_FORMAT_UNSUPPORTED, id="UTF-16"),
        pytest.param(None, Code.FILE_UNREADABLE, id="no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes | None, code: Code) -> None:
    file = tmp_path / "a.jsonl"
    if content is not None:
        file.write_bytes(content)

    with raises_code(SettingError, code) as refused:
        read_labelled(file)
    assert "a.jsonl" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("a.xlsx", "a spreadsheet", id="spreadsheet"),
        pytest.param("a.parquet.gz", "a binary table", id="columns"),
        pytest.param("a.zip", "an archive", id="archive"),
    ],
)
def test_a_file_of_another_kind_is_told_by_its_name(tmp_path: Path, name: str, words: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"PK\x03\x04\xff")

    with raises_code(SettingError, Code.FILE_FORMAT_UNSUPPORTED) as refused:
        read_labelled(file)
    assert words in str(refused.value)
    check_kind(Path("a.csv.gz"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("a.csv", b"PK\x03\x04rest", "a spreadsheet or a zip archive", id="a spreadsheet"),
        pytest.param("a.jsonl", b"PAR1rest", "a Parquet file", id="a Parquet file"),
        pytest.param("a.csv", gzip.compress(b"text,label\n"), "compressed by gzip", id="a packed file"),
        pytest.param("a.csv", "text,label\n".encode("utf-16"), "text in UTF-16", id="UTF-16"),
        pytest.param("a.safetensors", b"\x10\0\0\0{}", "is not text", id="binary"),
    ],
)
def test_a_file_is_told_by_its_first_bytes(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)

    with raises_code(SettingError, Code.FILE_FORMAT_UNSUPPORTED) as refused:
        check_kind(tmp_path / name)
    assert str(refused.value).startswith(f"{name} ")
    assert words in str(refused.value)
