"""``python -m worker.cli``: the command where no script is installed."""

import sys

from worker.cli import main

sys.exit(main())
