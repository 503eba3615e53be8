"""``make chaos``: attack workers on a real Kafka for some minutes, and count what became of every event.

    make chaos ARGS="--minutes 10 --seed 7 --workers 3"

Needs Docker. The same seed gives the same schedule of faults; --print-schedule prints it. Exits with 1 when a promise
of docs/guarantees.md was broken, and leaves what is needed to look into it in the folder that it names.
"""

import argparse
import sys


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the command's flags."""
    parser = argparse.ArgumentParser(
        prog="make chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=2.0, help="how long faults come (2)")
    parser.add_argument("--seed", type=int, default=7, help="of schedule and events (7)")
    parser.add_argument("--workers", type=int, default=3, help="how many share the partitions (3)")
    parser.add_argument("--rate", type=float, default=800.0, help="events a second (800)")
    parser.add_argument("--without", metavar="KINDS", default="", help="kinds of faults to leave out, comma-separated")
    parser.add_argument("--keep", metavar="FOLDER", help="where logs and records go; a temporary folder if not named")
    parser.add_argument("--markdown", action="store_true", help="print the row for docs/guarantees.md, too")
    parser.add_argument("--print-schedule", action="store_true", help="print the schedule and attack nothing")
    return parser


def main() -> int:
    """Run the command; returns the exit code."""
    options = command_line().parse_args()
    from chaos.command import attack, print_schedule  # behind the parser: --help is quick

    if options.print_schedule:
        return print_schedule(options)
    try:
        return attack(options)
    except KeyboardInterrupt:
        print("\nInterrupted: nothing was counted; the containers are gone.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
