"""The command ``sentiment-worker``, one file a command group."""


def main() -> int:
    """Run the command line; returns the exit code, see `worker.cli.commands.main`."""
    try:
        # Here, so that Ctrl-C while the libraries are read in is no traceback either.
        from worker.cli.commands import main as run

        return run()
    except KeyboardInterrupt:
        return 130


__all__ = ["main"]
