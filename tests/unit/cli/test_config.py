"""``config``: what is in force, where it comes from, and never a secret."""

import tomllib
from pathlib import Path

import pytest
from command_line import Ran, Run

from worker.settings import Settings, load_settings
from worker.settings_file import CONFIG_FILE_VARIABLE


def _origins(ran: Ran) -> dict[str, str]:
    return {line.split()[0]: line.split()[-1] for line in ran.lines[1:]}


def test_every_setting_is_shown_once(run: Run) -> None:
    assert list(_origins(run("config"))) == list(Settings.model_fields)


def test_origins_are_told_apart(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('group_id = "from-file"\nmax_batch_size = 5\nmodel = "from-file"\n')
    monkeypatch.setenv("SENTIMENT_MAX_BATCH_SIZE", "6")
    monkeypatch.setenv("SENTIMENT_MODEL", "from-environment")
    ran = run("--config", str(file), "config", "--model", "from-flag")
    origins = _origins(ran)
    assert origins["group_id"] == "mine.toml"
    assert origins["max_batch_size"] == "SENTIMENT_MAX_BATCH_SIZE"
    assert origins["model"] == "--model"
    assert origins["precision"] == "default"


@pytest.mark.parametrize("form", ["table", "toml"])
def test_secrets_are_never_shown(run: Run, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("SENTIMENT_SASL_PASSWORD", "hunter2")
    ran = run("config", "--format", form, "--ssl-key-password", "hunter3")
    assert ran.code == 0
    assert "sasl_password" in ran.out
    assert "hunter" not in ran.out + ran.err
    assert {"table": "(hidden)", "toml": "SENTIMENT_SASL_PASSWORD"}[form] in ran.out


def test_the_toml_is_a_settings_file_that_gives_the_same_settings(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    flags = (
        *("--input-topics", "a,b", "--label-polarity", '{"5 \\"stars\\"": 1, "ü": -0.5}', "--max-batch-time", "0.125"),
        *("--output-schema-id", "7", "--ssl-cafile", str(tmp_path / "ca.pem"), "--precision", "fp32"),
    )
    ran = run("config", "--format", "toml", *flags)
    file = tmp_path / "written.toml"
    file.write_text(ran.out, encoding="utf-8")
    monkeypatch.setenv(CONFIG_FILE_VARIABLE, str(file))
    written = load_settings()
    assert written.input_topics == ("a", "b")
    assert written.label_polarity == {'5 "stars"': 1.0, "ü": -0.5}
    assert written.max_batch_time == 0.125
    assert written.output_schema_id == 7
    assert written.ssl_cafile == tmp_path / "ca.pem"
    assert set(tomllib.loads(ran.out)) == {
        *("input_topics", "label_polarity", "max_batch_time", "output_schema_id", "ssl_cafile", "precision")
    }


def test_uncommented_the_toml_names_every_setting_with_a_default(run: Run) -> None:
    out = run("config", "--format", "toml").out
    text = "\n".join(line.removeprefix("# ") for line in out.splitlines() if " = " in line)
    named = tomllib.loads(text)
    for name, value in named.items():
        default = Settings.model_fields[name].get_default(call_default_factory=True)
        assert value == (list(default) if isinstance(default, tuple) else default), name
    assert "bootstrap_servers" in named
