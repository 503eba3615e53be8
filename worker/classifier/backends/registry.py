"""The registry of backends: the one place where a backend is added. Each is imported on first use."""

from collections.abc import Mapping

from worker.classifier.backends import Load, Prepare
from worker.settings import Settings

DEFAULT = "torch"


def _torch(settings: Settings) -> Load:
    from worker.classifier.backends.torch import prepare

    return prepare(settings)


BACKENDS: Mapping[str, Prepare] = {"torch": _torch}
