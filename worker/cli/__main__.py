"""``python -m worker.cli``: the command where no script is installed."""

from worker.cli import main

main()
