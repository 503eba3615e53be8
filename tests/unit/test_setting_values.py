"""Every setting with values that are empty, infinite or out of bounds; and times to start from."""

from pathlib import Path
from typing import Any, get_args

import pytest

from worker.app import create_app
from worker.errors import SettingError
from worker.setting_values import start_time_ms
from worker.settings import Settings, load_settings

FIELDS = Settings.model_fields
DEFAULTS = {name: field.get_default(call_default_factory=True) for name, field in FIELDS.items()}
OPTIONAL = [name for name, default in DEFAULTS.items() if default is None or default == {}]
NUMBERS = [name for name, field in FIELDS.items() if {int, float} & {field.annotation, *get_args(field.annotation)}]
KAFKAS_LARGEST_NUMBER = 2**31 - 1

pytestmark = pytest.mark.usefixtures("no_settings")


def refusal(**settings: Any) -> str:
    with pytest.raises(SettingError) as raised:
        load_settings(**settings)
    return str(raised.value)


@pytest.mark.parametrize("blank", ["", " \t"], ids=["empty", "blank"])
@pytest.mark.parametrize("name", OPTIONAL)
def test_an_empty_variable_leaves_an_optional_setting_unset(
    name: str, blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SENTIMENT_{name.upper()}", blank)
    assert getattr(load_settings(), name) == DEFAULTS[name]


@pytest.mark.parametrize("blank", ["", " \t"], ids=["empty", "blank"])
@pytest.mark.parametrize("name", [name for name in FIELDS if name not in OPTIONAL])
def test_an_empty_variable_of_another_setting_is_refused(
    name: str, blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SENTIMENT_{name.upper()}", blank)
    assert refusal() == f"{name}: is empty: give it a value, or leave it out"


def test_an_empty_variable_unsets_what_the_file_sets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sentiment-worker.toml").write_text('group_instance_id = "a"\nmodel_revision = ""\nmax_batch_size = 7')
    monkeypatch.setenv("SENTIMENT_GROUP_INSTANCE_ID", "")
    monkeypatch.setenv("SENTIMENT_MAX_BATCH_SIZE", "")
    settings = load_settings()
    assert (settings.group_instance_id, settings.model_revision, settings.max_batch_size) == (None, None, None)


def test_a_blank_name_of_the_settings_file_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sentiment-worker.toml").write_text('group_id = "of-the-file"')
    monkeypatch.setenv("SENTIMENT_CONFIG", " ")
    assert load_settings().group_id == "of-the-file"


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e300", "-1", "1" + "0" * 300, "-" + "9" * 300])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_cannot_be_is_refused_by_name(name: str, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SENTIMENT_{name.upper()}", number)
    if (name, number) == ("topic_replication", "-1"):  # the broker's default
        create_app(load_settings())
    else:
        assert refusal().startswith(f"{name}: ")


@pytest.mark.parametrize("number", ["inf", "-inf", "nan"])
@pytest.mark.parametrize("name", [name for name in NUMBERS if FIELDS[name].annotation is float])
def test_a_number_without_end_is_told_to_be_finite(name: str, number: str) -> None:
    assert refusal(**{name: float(number)}) == f"{name}: Input should be a finite number"


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_has_a_bound_at_either_end_that_the_worker_can_be_made_with(name: str) -> None:
    bounds: list[Any] = FIELDS[name].metadata
    lower = [getattr(bound, kind) for bound in bounds for kind in ("ge", "gt") if hasattr(bound, kind)]
    upper = [bound.le for bound in bounds if hasattr(bound, "le")]
    upper += [bound.lt - 1 for bound in bounds if hasattr(bound, "lt")]
    assert lower
    assert upper
    app = create_app(load_settings(**{name: min(upper)}))
    # What Faust and aiokafka send to the brokers as milliseconds.
    timeouts = (
        app.conf.broker_request_timeout,
        app.conf.broker_rebalance_timeout,
        app.conf.broker_session_timeout,
        app.conf.consumer_metadata_max_age_ms / 1000,
    )
    assert max(timeouts) * 1000 <= KAFKAS_LARGEST_NUMBER


@pytest.mark.parametrize("polarity", ["NaN", "Infinity", "1e300", "-1.5"])
def test_a_polarity_off_the_scale_is_refused_with_its_label(polarity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_LABEL_POLARITY", f'{{"toxic": {polarity}}}')
    assert refusal().startswith("label_polarity.toxic: ")


def test_commits_are_no_more_frequent_than_a_commit_takes() -> None:
    assert refusal(commit_interval=0.01).startswith("commit_interval: ")
    assert load_settings(commit_interval=0.1).commit_interval == 0.1


@pytest.mark.parametrize(
    "time",
    [
        "1969-12-31T23:59:59.999999Z",
        "1969-12-31T23:59:59.999Z",  # Kafka's -1: latest
        "1969-12-31T23:59:59.998Z",  # -2: earliest
        "1970-01-01T00:00:00+01:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_start_before_1970_is_refused(time: str) -> None:
    said = refusal(start_from=time)
    assert said.startswith(f"start_from: '{time}' is before 1970")
    assert "earliest, latest, or a later time such as 2026" in said


def test_a_start_that_is_no_time_is_refused() -> None:
    assert "neither earliest, latest, nor a time such as 2026" in refusal(start_from="yesterday")
    assert "needs a time zone, such as 2026" in refusal(start_from="2026-01-31T08:00:00")


@pytest.mark.parametrize(
    ("start", "milliseconds"),
    [
        ("earliest", None),
        ("latest", None),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.0015Z", 1),
        ("2026-01-31T08:00:00.001Z", 1_769_846_400_001),
        ("2026-01-31T09:00:00.001+01:00", 1_769_846_400_001),
        ("9999-12-31T23:59:59-14:00", 253_402_351_199_000),
    ],
)
def test_a_start_is_a_timestamp_of_kafkas(start: str, milliseconds: int | None) -> None:
    assert start_time_ms(load_settings(start_from=start).start_from) == milliseconds
