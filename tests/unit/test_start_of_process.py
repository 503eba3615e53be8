"""A start without a user's name, without a home, or without the standard streams."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from error_codes import raises_code

from worker import app
from worker.errors import Code, SettingError
from worker.settings import Settings


def unnamed(_: int) -> None:
    raise KeyError("getpwuid(): uid not found: 12345")


@pytest.mark.parametrize(
    "group", ["g", "g" * 300, "ü" * 200, "a/b", "a\tb"], ids=["short", "long", "long in bytes", "slash", "tab"]
)
def test_a_user_without_a_name_can_run_a_group_of_any_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, group: str
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unnamed)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = app.create_app(Settings(group_id=group))
    made._create_directories()
    (folder,) = tmp_path.iterdir()
    assert folder == made.conf.datadir


def test_groups_and_users_have_folders_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {app._data_folder(group) for group in ("a/b", "a_b", "g" * 300, "g" * 301)}
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert len({app._data_folder("a/b"), *folders}) == 5


def test_where_nothing_temporary_can_be_written_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    with raises_code(SettingError, Code.NO_TEMPORARY_FOLDER):
        app._data_folder("g")


STREAMS = """
import os, socket, sys
from worker import process
process.open_standard_streams()
with socket.socket() as made:
    print("socket", made.fileno() > 2, file=sys.stderr)
print("open", all(os.get_inheritable(number) for number in range(3)), file=sys.stderr)
os.write(1, b"to nobody")
"""


@pytest.mark.parametrize(
    ("closed", "err"),
    [
        (">&-", "socket True\nopen True\n"),
        ("<&- >&-", "socket True\nopen True\n"),
        (">&- 2>&-", ""),
        ("<&- >&- 2>&-", ""),
    ],
)
def test_what_is_printed_never_goes_into_a_socket(closed: str, err: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, STREAMS], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", err)


LOGS = """
import logging, os, sys
from worker import process, run
from worker.app import create_app
from worker.cli import main

def run_worker(settings):
    run.QuietWorker(create_app(settings), loglevel="info", quiet=True, redirect_stdouts=False)._setup_logging()
    logging.getLogger("worker").info("ready")
    process.end(7)

run.run = run_worker
sys.argv = ["sentiment-worker", "run"]
main()
"""


@pytest.mark.parametrize(("closed", "logged"), [(">&-", True), (">&- 2>&-", False)])
def test_run_logs_to_stderr_also_without_stdout(closed: str, logged: bool) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, LOGS], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 7, done.stderr
    assert ("ready" in done.stderr) is logged
    assert "CANNOT SETUP LOGGING" not in done.stderr
