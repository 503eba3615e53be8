"""``train``: a classifier of one's own from a file of labelled texts."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from worker.cli.commands.train.progress import Bar, stop_requests
from worker.cli.shared.console import stderr
from worker.cli.shared.flags import Flags, with_flags
from worker.cli.shared.label_flags import label_names
from worker.settings import load_settings
from worker.text import counted

if TYPE_CHECKING:
    from worker.datasets.labelled import Labelled
    from worker.training.finetune import Trained

_DATA, _RUN = "Data", "Training"


@with_flags("device")
def train(
    flags: Flags,
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="labelled texts: JSON lines or .csv/.tsv, also .gz", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="where the classifier goes", show_default=False)
    ],
    base: Annotated[
        str, typer.Option(metavar="MODEL", help="what to start from: 'bundled', a folder, or a hub name")
    ] = "bundled",
    dev: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="labelled texts to choose by; without it some of DATA", rich_help_panel=_DATA
        ),
    ] = None,
    dev_share: Annotated[
        float, typer.Option(min=0.01, max=0.5, help="how much of DATA to choose by", rich_help_panel=_DATA)
    ] = 0.1,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="the labels in the order of the model's outputs; a label in DATA may be its number, from 0",
            rich_help_panel=_DATA,
        ),
    ] = None,
    num_labels: Annotated[
        int | None,
        typer.Option(min=2, help="how many labels, where DATA has their numbers from 0", rich_help_panel=_DATA),
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="column of the text; default: text", rich_help_panel=_DATA)
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="column of the label; default: label", rich_help_panel=_DATA)
    ] = None,
    rating_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="column of a mean rating from -4 to 4; default: rating", rich_help_panel=_DATA
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, help="passes over the data; default: 4, up to 30 where texts are few", rich_help_panel=_RUN
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="texts in a forward pass; default: 32, down to 8 where texts are few", rich_help_panel=_RUN
        ),
    ] = None,
    accumulate: Annotated[
        int, typer.Option(min=1, help="forward passes whose gradients make one step", rich_help_panel=_RUN)
    ] = 1,
    learning_rate: Annotated[
        float | None,
        typer.Option(min=1e-8, help="default: 8e-5, and 4e-5 from 50 million parameters on", rich_help_panel=_RUN),
    ] = None,
    max_tokens: Annotated[
        int, typer.Option(min=8, help="longer texts are cut while training", rich_help_panel=_RUN)
    ] = 160,
    evaluations_per_epoch: Annotated[int, typer.Option(min=1, help="dev scores in an epoch", rich_help_panel=_RUN)] = 1,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="stop after so many dev scores without a better one; default: 3, or a third of the epochs",
            rich_help_panel=_RUN,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="the same seed gives the same classifier", rich_help_panel=_RUN)
    ] = 20,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart", help="begin anew; a classifier in FOLDER stays until the new one is done and replaces it"
        ),
    ] = False,
) -> None:
    """Train a classifier on labelled texts; the worker runs it with --model FOLDER.

    A row of DATA has a text and a label, a rating from -4 to 4, or votes: one column for each label, named by it.
    Ctrl-C stops after the step in hand, and the same command goes on from there.
    """
    names = label_names(labels, num_labels)
    settings = load_settings(**flags, model=base)

    from worker.datasets.columns import Columns
    from worker.datasets.labelled import read_labelled
    from worker.datasets.split import hold_out
    from worker.datasets.warnings import training_warnings

    columns = Columns(text_column, label_column, rating_column)
    given = read_labelled(data, names, columns)
    if dev is not None:
        training, choosing = (
            given,
            read_labelled(dev, given.labels, columns, numbered=names is not None or given.kind == "vote shares"),
        )
    else:
        training, choosing = (given.rows(rows) for rows in hold_out(given, dev_share, seed))

    from worker.classifier.hardware import choose_hardware
    from worker.classifier.source import find_model
    from worker.training.finetune import finetune, prepare
    from worker.training.loop import Interrupted, steps_of
    from worker.training.schedule import plan_of
    from worker.training.settings import LoopSettings

    source, device = find_model(settings), choose_hardware(settings).device
    plan = plan_of(len(training), epochs=epochs, batch_size=batch_size, patience=patience, accumulate=accumulate)
    recipe = LoopSettings(
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        accumulate=accumulate,
        max_tokens=max_tokens,
        evaluations_per_epoch=evaluations_per_epoch,
        patience=plan.patience,
        seed=seed,
    )
    # Whatever can be refused is, before a word is said of training.
    prepared = prepare(training, choosing, source, out, recipe, device, learning_rate=learning_rate, restart=restart)
    _say_what(training, choosing, source.name, str(device), goes_on=prepared.goes_on)
    stderr().print(
        f"{counted(plan.epochs, 'epoch')} in batches of {plan.batch_size:,}, patience {plan.patience:,}", style="dim"
    )
    for warning in training_warnings(training, choosing):
        stderr().print(f"warning: {warning}", style="yellow", markup=False)
    _warn_of_few(steps_of(len(training), recipe), len(choosing))
    with stop_requests() as requests, Bar() as bar:
        try:
            trained = finetune(prepared, progress=bar.show, stop=lambda: bool(requests))
        except Interrupted:
            trained = None
    if trained is None:
        same = "the same command without --restart" if restart else "the same command"
        stderr().print(f"stopped after {bar.standing}; {same} goes on from there", style="yellow")
        raise typer.Exit(128 + requests[0])
    _say_result(trained, out)


def _say_what(training: "Labelled", choosing: "Labelled", base: str, device: str, *, goes_on: bool) -> None:
    from worker.datasets.columns import enumerated

    stderr().print(
        f"{'going on with' if goes_on else 'training'} [bold]{escape(base)}[/bold] on {device}: "
        f"{counted(len(training), 'text')}, "
        f"{len(choosing):,} to choose by, targets from {training.kind}, labels {escape(enumerated(training.labels))}"
    )


def _warn_of_few(steps: int, dev_texts: int) -> None:
    """One sentence each of what is too little to train or to choose by."""
    from worker.training.finetune import ENOUGH_DEV_TEXTS
    from worker.training.schedule import ENOUGH_STEPS

    if steps < ENOUGH_STEPS:
        stderr().print(
            f"warning: a training of {counted(steps, 'optimizer step')} may be too short to learn what the texts say: "
            f"give more of them, more --epochs or a smaller --batch-size, for {ENOUGH_STEPS} steps or more",
            style="yellow",
        )
    if dev_texts < ENOUGH_DEV_TEXTS:
        stderr().print(
            f"warning: {counted(dev_texts, 'text')} to choose by {'says' if dev_texts == 1 else 'say'} little of other "
            f"texts, too little to calibrate scores by (temperature 1): give {ENOUGH_DEV_TEXTS} or more, by more texts "
            "or a file for --dev",
            style="yellow",
        )


def _say_result(trained: "Trained", out: Path) -> None:
    from worker.datasets.columns import enumerated
    from worker.evaluation.label_space import polarity_flag, unknown_labels
    from worker.evaluation.metrics import wilson_interval
    from worker.evaluation.report.tables import interval

    console = stderr()
    why = ", stopped early" if trained.stopped_early else ""
    range_95 = interval(wilson_interval(round(trained.dev_accuracy * trained.dev_texts), trained.dev_texts))
    console.print(
        f"dev accuracy [bold]{trained.dev_accuracy:.3f}[/bold] (95 %: {range_95}), "
        f"macro F1 [bold]{trained.dev_macro_f1:.3f}[/bold], calibration error {trained.dev_ece:.3f}, "
        f"on {counted(trained.dev_texts, 'text')} (best at step {trained.best_step} of {trained.steps}{why})"
    )
    console.print(
        "the dev texts also chose the weights and the temperature, so that other texts will do a little worse, above "
        "all in calibration: measure on others with evaluate",
        style="dim",
    )
    model = escape(shlex.quote(str(out)))
    console.print(
        f"run it with [bold]sentiment-worker run --model {model}[/bold], try it with classify --model {model}"
    )
    if unknown := unknown_labels(trained.labels):
        said = (
            "is good or bad, so its sentiment is neutral and its polarity 0: choose a number"
            if len(unknown) == 1
            else "are good or bad, so their sentiment is neutral and their polarity 0: choose numbers"
        )
        console.print(
            f"nothing says whether {enumerated(unknown)} {said} from -1 (bad) to 1 (good) and add to each of these "
            "commands",
            style="yellow",
            markup=False,
        )
        console.print(f"  {polarity_flag(trained.labels)}", markup=False)
