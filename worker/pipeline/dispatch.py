"""Fetches to the device and their scores back to their jobs: what ``run`` and ``classify`` have in common."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from worker.batching import Batch
from worker.classifier import Result
from worker.errors import Rejection
from worker.fetch import Fetch
from worker.inference import Inference
from worker.pipeline.job import Job
from worker.tokens import Tokens


class Dispatcher(Inference[Fetch]):
    """The texts of jobs that wait for the device, and how many batches it has."""

    def add(self, job: Job, tokens: Tokens, rejected: Mapping[int, Rejection]) -> None:
        """Take the texts of a job, as ``tokenise`` gave them: they wait from now on."""
        job.tokenised(tokens, rejected, len(self.labels))
        self.enqueue(job.fetch, tokens)

    def classify(self, job: Job, progress: Callable[[int], None]) -> None:
        """Classify the texts of a job that is decoded, and wait for that; ``progress`` is told of each batch's texts.

        Nothing else may wait or be in flight.

        Raises:
            DeviceError: the device or the tokenizer does not work any more.
        """
        self.add(job, *self.tokenise(job.texts))
        for batch, result in self.results(job.fetch.received_at):
            for _ in classified(batch, result, {job.fetch: job}):
                pass
            progress(len(batch))


def classified(
    batch: Batch[Fetch], result: Result, jobs: Mapping[Fetch, Job]
) -> Iterator[tuple[Fetch, NDArray[np.intp]]]:
    """Note a batch's result in the jobs; yields each fetch that still has one with the indexes now decided."""
    for fetch, rows, texts in batch.parts:
        if job := jobs.get(fetch):  # else revoked while the device had it
            yield fetch, job.classified(texts, rows, result)
