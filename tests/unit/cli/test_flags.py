"""Every setting is a flag of ``run`` and every flag of ``run`` is a setting, written once."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from command_line import Run

from worker.cli.commands.run import run as run_command
from worker.cli.shared.flags import CLASSIFIER, CONNECTION, TOPICS, flag, with_flags
from worker.settings import Settings, load_settings


def _parameters(command: Callable[..., None]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(command).parameters


def _option(parameter: inspect.Parameter) -> Any:
    return get_args(parameter.annotation)[1]


def test_the_flags_of_run_are_the_settings_no_more_and_no_less() -> None:
    assert list(_parameters(run_command)) == list(Settings.model_fields)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_flag_has_its_settings_name_description_and_default(name: str) -> None:
    option = _option(_parameters(run_command)[name])
    field = Settings.model_fields[name]
    default = field.get_default(call_default_factory=True)
    assert flag(name) in (option.default, *(option.param_decls or ()))
    assert field.description
    assert option.help.replace("\\[", "[").startswith(field.description)
    shown = "default:" in option.help.removeprefix(field.description)
    assert shown == (default is not None and default != {})


@pytest.mark.parametrize("name", [n for n, f in Settings.model_fields.items() if get_origin(f.annotation) is Literal])
def test_a_flag_offers_the_choices_of_its_setting(name: str) -> None:
    annotation = get_args(_parameters(run_command)[name].annotation)[0]
    assert get_args(Settings.model_fields[name].annotation) == get_args(get_args(annotation)[0])


@pytest.mark.parametrize("names", [CONNECTION, TOPICS, CLASSIFIER], ids=["connection", "topics", "classifier"])
def test_a_group_of_flags_names_settings_that_exist(names: tuple[str, ...]) -> None:
    assert set(names) <= set(Settings.model_fields)


def _given(**values: object) -> dict[str, Any]:
    """Return the flags that a command gets; None stands for a flag that was not given."""
    seen = {}

    @with_flags(*values)
    def command(flags: dict[str, Any]) -> None:
        seen.update(flags)

    command(**values)
    return seen


def test_a_flag_that_is_not_given_leaves_the_setting_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_MAX_BATCH_SIZE", "7")
    assert _given(max_batch_size=None) == {}
    assert load_settings(**_given(max_batch_size=None)).max_batch_size == 7


def test_a_flag_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_MAX_BATCH_SIZE", "7")
    assert load_settings(**_given(max_batch_size=9)).max_batch_size == 9


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        pytest.param("input_topics", "a, b", ("a", "b"), id="names"),
        pytest.param("label_polarity", '{"toxic": -1}', {"toxic": -1.0}, id="json"),
        pytest.param("max_batch_time", 0.25, 0.25, id="number"),
        pytest.param("precision", "fp32", "fp32", id="choice"),
    ],
)
def test_a_flags_text_becomes_the_settings_type(name: str, given: object, expected: object) -> None:
    assert getattr(load_settings(**_given(**{name: given})), name) == expected


def test_every_flag_of_run_reaches_the_settings(run: Run, tmp_path: Path) -> None:
    values = {
        "bootstrap_servers": "b:1",
        "label_polarity": '{"x": 0.5}',
        "ssl_cafile": str(tmp_path / "ca"),
        "max_batch_size": "3",
        "tombstones": "dead_letter",
        "on_no_text": "skip",
        "classify_if": "/op=c",
    }
    ran = run("config", *(word for name, value in values.items() for word in (flag(name), value)))
    assert ran.code == 0
    for name, value in values.items():
        assert any(line.split() == [name, *value.split(), flag(name)] for line in ran.lines), (name, ran.out)


@pytest.mark.parametrize("name", ["group_instance_id", "sasl_password", "ssl_cafile", "label_polarity"])
def test_an_empty_flag_unsets_what_the_environment_sets(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"SENTIMENT_{name.upper()}", '{"a": 1}' if name == "label_polarity" else "something")
    ran = run("config", flag(name), "")
    assert ran.code == 0
    assert any(line.split() == [name, "-", flag(name)] for line in ran.lines)
