"""Labelled texts as users have them: what is read, and what is said of a bad row."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from worker.datasets.columns import Columns
from worker.datasets.labelled import read_labelled
from worker.datasets.split import hold_out
from worker.datasets.tables import check_kind
from worker.errors import SettingError


def written(folder: Path, name: str, content: str) -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def test_json_lines_with_labels(tmp_path: Path) -> None:
    data = read_labelled(
        written(tmp_path, "a.jsonl", '{"text": "x", "label": "Positive"}\n\n{"text": "y", "label": "Negative"}\n')
    )

    assert (data.labels, data.truth.tolist(), data.kind) == (("Negative", "Positive"), [1, 0], "labels")
    assert data.targets.tolist() == [[0, 1], [1, 0]]


def test_csv_with_a_byte_order_mark_and_a_text_over_two_lines(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", '\ufefftext,label\n"one, \ntwo",b\nthree,a\n'))

    assert data.texts == ("one, \ntwo", "three")
    assert data.labels == ("a", "b")


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv.gz"
    file.write_bytes(gzip.compress(b"text\tlabel\nx\t1\ny\t0\n"))

    assert read_labelled(file, ["no", "yes"]).truth.tolist() == [1, 0]


@pytest.mark.parametrize("delimiter", [pytest.param(";", id="semicolons"), pytest.param("\t", id="tabs")])
def test_the_header_of_a_csv_file_says_what_parts_its_cells(tmp_path: Path, delimiter: str) -> None:
    content = "text,label\none, two,a\nthree,b\n".replace(",", delimiter).replace(f"one{delimiter}", "one,")
    data = read_labelled(written(tmp_path, "a.csv", content))

    assert (data.texts, data.labels) == (("one, two", "three"), ("a", "b"))


def test_votes_become_shares_and_the_rating_still_says_the_label(tmp_path: Path) -> None:
    data = read_labelled(
        written(tmp_path, "a.jsonl", '{"text": "x", "rating": 0.4, "negative": 0, "neutral": 1, "positive": 3}\n')
    )

    np.testing.assert_allclose(data.targets, [[0, 0.25, 0.75]])
    assert data.truth.tolist() == [1]
    assert data.kind == "vote shares"


def test_votes_alone_say_the_label_too(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,spam,ham\nx,1,4\n"), ["ham", "spam"])

    np.testing.assert_allclose(data.targets, [[0.8, 0.2]])
    assert data.truth.tolist() == [0]


def test_a_label_beside_shares_is_one_of_theirs_by_name_or_number(tmp_path: Path) -> None:
    content = "text,label,negative,neutral,positive\nx,2,0,1,3\ny,NEGATIVE,1,3,0\n"
    data = read_labelled(written(tmp_path, "a.csv", content))

    assert (data.labels, data.truth.tolist()) == (("negative", "neutral", "positive"), [2, 0])
    np.testing.assert_allclose(data.targets, [[0, 0.25, 0.75], [0.25, 0.75, 0]])


@pytest.mark.parametrize(
    ("column", "labels", "truth"),
    [
        pytest.param(["Positive", "positive", "negative"], ("negative", "Positive"), [1, 1, 0], id="sentiments"),
        pytest.param(["spam", "ham", "Ham", "SPAM"], ("ham", "spam"), [1, 0, 0, 1], id="others"),
    ],
)
def test_a_label_in_two_spellings_is_one_by_its_first(
    tmp_path: Path, column: list[str], labels: tuple[str, ...], truth: list[int]
) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label\n" + "".join(f"x,{label}\n" for label in column)))

    assert (data.labels, data.truth.tolist()) == (labels, truth)


def test_stars_that_pandas_wrote_with_a_fraction_are_whole_numbers(tmp_path: Path) -> None:
    file = tmp_path / "stars.csv"
    file.write_text("text,label\nawful,1.0\nso so,3.00\ngreat,5.0\nwell made,4.5\n")

    assert read_labelled(file).labels == ("1", "3", "4.5", "5")
    named = read_labelled(file, ["1", "3", "4.5", "5"])
    assert [named.labels[place] for place in named.truth] == ["1", "3", "5", "4.5"]
    with_fraction = read_labelled(file, ["1.0", "3.0", "4.5", "5.0"])  # by name, not the places 1, 3 and 5
    assert [with_fraction.labels[place] for place in with_fraction.truth] == ["1.0", "3.0", "5.0", "4.5"]


def test_a_rating_alone_gives_soft_targets(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,mean\nx,0.5\ny,-3\nz,2\n"), columns=Columns(rating="mean"))

    assert data.truth.tolist() == [1, 0, 2]
    assert data.targets[0, 2] == pytest.approx(0.5)


def test_numbered_labels_are_sorted_as_numbers(tmp_path: Path) -> None:
    rows = "".join(f"x,{stars} stars\n" for stars in (10, 9, 2))

    assert read_labelled(written(tmp_path, "a.csv", "text,label\n" + rows)).labels == ("2 stars", "9 stars", "10 stars")


GOOD = '{"text": "fine", "label": "b"}\n'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("a.jsonl", GOOD + "[1]\n", "line 2: not a JSON object", id="an array"),
        pytest.param("a.jsonl", GOOD + '{"text": secret}\n', "line 2: not a JSON object", id="broken JSON"),
        pytest.param("a.jsonl", GOOD + '{"label": "b"}\n', "line 2: no text", id="no text"),
        pytest.param("a.jsonl", GOOD + '{"text": " ", "label": "b"}\n', "line 2: no text", id="a blank text"),
        pytest.param("a.jsonl", GOOD + '{"text": 5, "label": "b"}\n', "line 2: no text", id="a text that is none"),
        pytest.param("a.jsonl", GOOD + '{"text": "secret"}\n', "line 2: no label", id="no label"),
        pytest.param(
            "a.jsonl", GOOD + '{"text": "\\ud800", "label": "b"}\n', "line 2: the text holds", id="half a character"
        ),
        pytest.param("a.jsonl", GOOD, "a single label", id="one label only"),
        pytest.param("a.jsonl", GOOD + GOOD.replace('"b"', '"B"'), "a single label", id="one label in two spellings"),
        pytest.param(
            "a.jsonl",
            '{"text": "secret", "rating": true}\n',
            "line 1: no number in the column 'rating'",
            id="a true rating",
        ),
        pytest.param(
            "a.jsonl",
            '{"text": "secret", "negative": 1, "neutral": 0, "positive": false}\n',
            "line 1: no number in the column 'positive'",
            id="a false vote",
        ),
        pytest.param(
            "a.jsonl",
            f'{{"text": "secret", "rating": {10**400}}}\n',
            "line 1: no number",
            id="a number beyond any float",
        ),
        pytest.param(
            "a.csv",
            "text,label,negative,neutral,positive\nx,2,0,1,3\nsecret,3,0,1,3\n",
            "line 3: the label '3' is none of negative, neutral, positive, whose numbers go from 0",
            id="a label beside the shares of others",
        ),
        pytest.param(
            "a.jsonl",
            '{"text": "secret"}\n',
            "no column 'label' or 'rating', nor votes in columns named",
            id="nothing to learn",
        ),
        pytest.param("a.jsonl", "\n", "no rows", id="an empty file"),
        pytest.param("a.csv", "", "no rows", id="an empty CSV file"),
        pytest.param("a.csv", 'text,label\n"a\nb",x\nsecret,y,z\n', "line 4: more cells", id="a comma too many"),
        pytest.param("a.csv", "text,label\na,x\n\nsecret,y,z\n", "line 4: more cells", id="after a blank line"),
        pytest.param("a.csv", f"text,label\n{'long ' * 30_000},x\nsecret,y,z\n", "line 3: more", id="a long text"),
        pytest.param("a.json", '[{"text": "secret"},\n{"text": "b"}]\n', "JSON lines are meant", id="a JSON array"),
        pytest.param("a.csv", 'text,label\n"a" b,x\n', "line 2: not CSV", id="quotes in the middle"),
        pytest.param("a.csv", "text,rating\nsecret,5\n", "line 2: the column 'rating' takes", id="a rating too high"),
        pytest.param(
            "a.csv", "text,rating\nsecret,nan\n", "line 2: no number in the column 'rating'", id="a rating that is none"
        ),
        pytest.param("a.csv", "text,rating\nsecret,\n", "line 2: no number .* fill it in", id="an empty rating"),
        pytest.param("a.csv", 'text,rating\nsecret,"1,5"\n', "line 2: .* a point, as in 1.5", id="a decimal comma"),
        pytest.param(
            "a.csv",
            "text,negative,neutral,positive\nsecret,-1,0,5\n",
            "line 2: the column 'negative' takes numbers of 0 or more",
            id="a vote below 0",
        ),
        pytest.param(
            "a.csv", "text,negative,neutral,positive\nsecret,0,0,0\n", "line 2: no votes", id="nobody has voted"
        ),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_never_quoted(tmp_path: Path, name: str, content: str, words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        read_labelled(written(tmp_path, name, content))

    assert "secret" not in str(caught.value)


def test_a_label_that_is_not_among_the_given_ones_is_named_by_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "a.csv", "text,label\nx,0\ny,2\n")

    with pytest.raises(SettingError, match="line 3: the label '2' is none of no, yes, whose numbers go from 0"):
        read_labelled(file, ["no", "yes"])


def test_a_packed_file_that_is_cut_off_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(b"text,label\n" + b"x,a\ny,b\n" * 99)[:-9])

    with pytest.raises(SettingError, match=r"a\.csv\.gz cannot be unpacked"):
        read_labelled(file)


@pytest.mark.parametrize("content", [pytest.param(b"\xff\xfe", id="not UTF-8"), pytest.param(None, id="no such file")])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "a.jsonl"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingError, match=r"a\.jsonl"):
        read_labelled(file)


def test_a_repr_shows_no_text(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label\nsecret,0\nwords,1\n"))

    assert "secret" not in repr(data)


def test_repeats_of_a_text_stay_on_one_side_and_every_label_is_held_out(tmp_path: Path) -> None:
    rows = "".join(f"text {i // 2}{' !'[i % 2]},{i // 2 % 3}\n".replace(" ,", ",") for i in range(120))
    data = read_labelled(written(tmp_path, "a.csv", "text,label\n" + rows.replace("!", " ")))
    train, dev = hold_out(data, 0.2, seed=3)

    assert sorted([*train, *dev]) == list(range(120))
    plain = [" ".join(text.split()) for text in data.texts]
    assert not {plain[i] for i in train} & {plain[i] for i in dev}
    assert np.bincount(data.truth[dev]).tolist() == [8, 8, 8]
    assert hold_out(data, 0.2, seed=3)[1].tolist() == dev.tolist()
    assert hold_out(data, 0.2, seed=4)[1].tolist() != dev.tolist()


def refusal(folder: Path, content: str, labels: list[str] | None = None, columns: Columns | None = None) -> str:
    with pytest.raises(SettingError) as caught:
        read_labelled(written(folder, "a.csv", content), labels, columns)
    return str(caught.value)


def test_a_label_that_is_refused_is_shown_but_for_its_end(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"text,label\nx,{'long ' * 30}\n", ["bad", "meh"])

    assert f"line 2: the label '{'long ' * 8}…' is none of bad, meh" in said


STARS = "text,rating\na,1\nb,2\nc,4\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(STARS, "no text is negative", id="stars up to 4"),
        pytest.param("text,rating\na,0\nb,0.3\n", "no text is negative or positive", id="shares"),
        pytest.param(STARS.replace("4", "5"), "takes numbers from -4 to 4", id="stars up to 5"),
        pytest.param(STARS.replace("4", "good"), "no number", id="a word"),
    ],
)
def test_stars_are_no_ratings_and_the_way_to_read_them_is_named(tmp_path: Path, content: str, words: str) -> None:
    said = refusal(tmp_path, content)

    assert words in said
    assert "read them as labels with --label-column rating" in said
    data = read_labelled(written(tmp_path, "a.csv", content), columns=Columns(label="rating"))
    assert (data.kind, data.ratings) == ("labels", None)


def test_ratings_below_zero_only_are_refused_without_taking_them_for_stars(tmp_path: Path) -> None:
    said = refusal(tmp_path, "text,rating\na,-3\nb,-2\n")

    assert "no text is positive" in said
    assert "look like stars" not in said


def test_ratings_of_one_side_are_read_where_the_labels_are_named(tmp_path: Path) -> None:
    assert read_labelled(written(tmp_path, "a.csv", STARS), ["negative", "neutral", "positive"]).kind == "ratings"


@pytest.mark.parametrize(
    "others",
    [
        pytest.param(("label", "positive", "negative"), id="labels"),
        pytest.param(("negative,neutral,positive", "0,0,9", "9,0,0"), id="votes"),
    ],
)
def test_stars_beside_labels_or_votes_of_both_sides_are_refused(tmp_path: Path, others: tuple[str, str, str]) -> None:
    header, good, bad = others
    said = refusal(tmp_path, f"text,rating,{header}\na,4,{good}\nb,1,{bad}\n")

    assert "these look like stars: " in said
    assert "leave them out" in said


def test_stars_beside_a_label_that_is_named_are_not_read(tmp_path: Path) -> None:
    content = "text,label,rating\na,good,5\nb,bad,1\n"

    assert "leave them out with --label-column label alone" in refusal(tmp_path, content)
    assert read_labelled(written(tmp_path, "a.csv", content), columns=Columns(label="label")).ratings is None


@pytest.mark.parametrize(
    ("columns", "flag"),
    [
        pytest.param(Columns(text="nope"), "name that of the texts with --text-column", id="text"),
        pytest.param(Columns(label="nope"), "name that of the labels with --label-column", id="label"),
        pytest.param(Columns(rating="nope"), "name that of the ratings with --rating-column", id="rating"),
        pytest.param(Columns(domain="nope"), "name that of the domains with --domain-column", id="domain"),
    ],
)
def test_a_column_that_is_named_and_not_there_is_refused_with_those_there_are(
    tmp_path: Path, columns: Columns, flag: str
) -> None:
    said = refusal(tmp_path, "text,label,rating\na,good,2\nb,bad,-2\n", columns=columns)

    assert f"has no column 'nope' but text, label, rating: {flag}" in said


def test_a_column_of_texts_of_another_name_is_asked_for(tmp_path: Path) -> None:
    said = refusal(tmp_path, "review,label\na,good\nb,bad\n")

    assert said == "a.csv has no column 'text' but review, label: name that of the texts with --text-column"


def test_a_row_in_the_place_of_a_header_is_not_quoted(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"{'secret words ' * 5},good\nb,bad\n")

    assert "secret" not in said
    assert "first line names its columns" in said


def test_a_first_row_that_ends_early_lacks_no_column(tmp_path: Path) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label,domain\na,good\nb,bad,x\n"))

    assert data.domains == ("", "x")


def test_a_rating_that_is_named_is_what_is_learnt_and_no_other_column(tmp_path: Path) -> None:
    content = "text,label,rating,negative,neutral,positive\na,x,2,1,0,0\nb,y,-2,0,0,1\n"
    data = read_labelled(written(tmp_path, "a.csv", content), columns=Columns(rating="rating"))

    assert (data.kind, data.labels, data.truth.tolist()) == ("ratings", ("negative", "neutral", "positive"), [2, 0])


def test_a_label_that_is_named_is_what_is_learnt_and_no_other_column(tmp_path: Path) -> None:
    content = "text,label,klass,rating,negative,neutral,positive\na,x,1,9,1,0,0\nb,y,2,9,0,0,1\n"
    data = read_labelled(written(tmp_path, "a.csv", content), columns=Columns(label="klass"))

    assert (data.kind, data.labels, data.ratings) == ("labels", ("1", "2"), None)


def test_label_and_rating_that_are_named_are_both_read(tmp_path: Path) -> None:
    content = "text,label,rating\na,positive,2\nb,negative,-2\n"
    data = read_labelled(written(tmp_path, "a.csv", content), columns=Columns(label="label", rating="rating"))

    assert data.kind == "labels"
    assert data.ratings is not None
    assert "both name 'rating'" in refusal(tmp_path, content, columns=Columns(label="rating", rating="rating"))


def test_votes_in_columns_of_other_names_are_told_of_the_flag(tmp_path: Path) -> None:
    content = "text,ham,spam\na,1,4\n"

    said = refusal(tmp_path, content)
    assert "all columns of votes with --labels a,b,c" in said
    assert "but text, ham, spam" in said
    assert read_labelled(written(tmp_path, "a.csv", content), ["ham", "spam"]).kind == "vote shares"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("a.xlsx", "a spreadsheet: export it as CSV", id="spreadsheet"),
        pytest.param("a.parquet.gz", "a binary table: export it as CSV", id="columns"),
        pytest.param("a.zip", "an archive: unpack it", id="archive"),
    ],
)
def test_a_file_of_another_kind_is_told_by_its_name(tmp_path: Path, name: str, words: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"PK\x03\x04\xff")

    with pytest.raises(SettingError, match=words):
        read_labelled(file)
    check_kind(Path("a.csv.gz"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param("great,a\nbad,b\n" * 60, "has only 2 different texts in 120 rows", id="two texts"),
        pytest.param("great,a\nGreat ,b\n" * 30, "repeats one text in all of its 60 rows", id="one text"),
        pytest.param("".join(f"x{i},{i}\n" for i in range(60)), "has as many labels as rows, 60", id="a label a row"),
    ],
)
def test_why_nothing_can_be_held_out_is_said(tmp_path: Path, rows: str, words: str) -> None:
    data = read_labelled(written(tmp_path, "a.csv", "text,label\n" + rows))

    with pytest.raises(SettingError, match=words) as caught:
        hold_out(data, 0.1, seed=3)
    assert "--dev FILE" in str(caught.value)
    assert "great" not in str(caught.value)


@pytest.mark.parametrize("number", ["0", "6"])
def test_of_labels_that_are_numbers_another_number_is_none(tmp_path: Path, number: str) -> None:
    file = written(tmp_path, "a.csv", f"text,label\nx,1\ny,{number}\n")

    with pytest.raises(SettingError, match=f"line 3: the label '{number}' is none of 1, 2, 3, 4, 5$"):
        read_labelled(file, ["1", "2", "3", "4", "5"])


def test_numbers_of_labels_that_nobody_numbered_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "a.csv", "text,label\nx,bad\ny,0\n")

    assert read_labelled(file, ["bad", "good"]).truth.tolist() == [0, 0]
    with pytest.raises(SettingError, match=r"line 3: the label '0' is none of bad, good$"):
        read_labelled(file, ["bad", "good"], numbered=False)


def test_a_label_with_a_fraction_is_one_in_json_as_in_csv(tmp_path: Path) -> None:
    lines = written(tmp_path, "a.jsonl", '{"text": "x", "label": 1.5}\n{"text": "y", "label": 2}\n')
    table = written(tmp_path, "a.csv", "text,label\nx,1.5\ny,2\n")

    assert read_labelled(lines).labels == read_labelled(table).labels == ("1.5", "2")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("a.csv", b"PK\x03\x04rest", "a spreadsheet or a zip archive", id="a spreadsheet"),
        pytest.param("a.jsonl", b"PAR1rest", "a Parquet file", id="a Parquet file"),
        pytest.param("a.csv", gzip.compress(b"text,label\n"), "packed by gzip", id="a packed file"),
        pytest.param("a.csv", "text,label\n".encode("utf-16"), "text in UTF-16", id="UTF-16"),
        pytest.param("a.safetensors", b"\x10\0\0\0{}", "is no text", id="binary"),
    ],
)
def test_a_file_is_told_by_its_first_bytes(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SettingError, match=f"^{name} is .*".replace(".", r"\.", 1)) as refused:
        check_kind(tmp_path / name)
    assert words in str(refused.value)


@pytest.mark.parametrize("header", ["text,label,label", "text,text,label", "text,label,domain,domain"])
def test_a_column_that_is_read_is_there_once(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\na,x,y\nb,y,x\n")
    with pytest.raises(SettingError, match=r"has 2 columns '(text|label|domain)': rename all but one"):
        read_labelled(tmp_path / "a.csv")


def test_other_columns_may_be_there_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,,\na,x,,\nb,y,,\n")
    assert read_labelled(tmp_path / "a.csv").texts == ("a", "b")


def test_what_a_model_said_is_no_label(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,stars,sentiment,polarity,label,score,truncated\na,1,x,0,y,1,false\nb,2,x,0,z,1,false\n")
    with pytest.raises(SettingError, match="as classify writes them: what a model said is no label"):
        read_labelled(file)
    assert read_labelled(file, columns=Columns(label="stars")).labels == ("1", "2")
