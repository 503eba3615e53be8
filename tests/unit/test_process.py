"""How processes end, in processes of their own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = "import sys, time\nfrom worker import process\nprocess.end_at_signals({})\n"
READY = "print('ready', flush=True)\n"


def ended(code: str, *signals: signal.Signals, options: str = "", folder: Path | None = None) -> tuple[int, str, str]:
    """Exit code and output of a program that is sent signals once it has printed that it is ready."""
    program = [sys.executable, "-c", BEGIN.format(options) + code]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        if signals:
            assert process.stdout
            process.stdout.readline()
        for signum in signals:
            process.send_signal(signum)
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("lambda: 3", (3, "", "")),
        ("lambda: print('said', end='') or 0", (0, "said", "")),
        ("lambda: sys.exit(4)", (4, "", "")),
        ("lambda: sys.exit('wrong')", (1, "", "wrong\n")),
    ],
)
def test_a_command_ends_with_its_code_and_all_it_has_said(command: str, expected: tuple[int, str, str]) -> None:
    assert ended(f"process.run_to_the_end({command})") == expected


def test_the_end_waits_for_no_thread() -> None:
    code = "import threading\nthreading.Thread(target=time.sleep, args=(600,)).start()\nprocess.end(0)"
    assert ended(code) == (0, "", "")


def test_ctrl_c_lets_a_command_tidy_up() -> None:
    code = f"def command():\n    try:\n        {READY.strip()}; time.sleep(600)\n    finally:\n        print('tidy')\n"
    assert ended(code + "process.run_to_the_end(command)", signal.SIGINT) == (130, "tidy\n", "")


def test_ctrl_c_in_an_import_ends_the_process_at_once(tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text(
        "import time\ntry:\n    print('ready', flush=True); time.sleep(600)\n"
        "except BaseException:\n    raise ImportError\n"
    )
    code = f"sys.path.insert(0, {str(tmp_path)!r})\nimport slow_module"
    assert ended(code, signal.SIGINT) == (130, "", "")


@pytest.mark.parametrize(("options", "expected"), [("", 143), ("terminated=0", 0)])
def test_sigterm_ends_the_process_at_once(options: str, expected: int) -> None:
    assert ended(READY + "time.sleep(600)", signal.SIGTERM, options=options) == (expected, "", "")


def test_where_nothing_is_to_tidy_ctrl_c_ends_the_process_at_once() -> None:
    code = "try:\n    print('ready', flush=True); time.sleep(600)\nexcept BaseException:\n    print('caught')\n"
    assert ended(code, signal.SIGINT, options="tidies_up=False") == (130, "", "")


def test_ctrl_c_cancels_a_coroutine_which_may_tidy_up() -> None:
    code = (
        "import asyncio\nasync def main():\n    try:\n        print('ready', flush=True); await asyncio.sleep(600)\n"
        "    finally:\n        print('tidy')\n"
        "process.run_to_the_end(lambda: process.run_async(main()))"
    )
    assert ended(code, signal.SIGINT) == (130, "tidy\n", "")
