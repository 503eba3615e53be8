"""The flags that name the labels of a file."""

from worker.errors import Code, SettingError


def label_names(labels: str | None, num_labels: int | None = None) -> tuple[str, ...] | None:
    """Return the names that the flags --labels and --num-labels give, if any."""
    if labels is None:
        return None if num_labels is None else tuple(f"LABEL_{number}" for number in range(num_labels))
    names = tuple(name.strip() for name in labels.split(","))
    if "" in names:
        raise SettingError(
            Code.INVALID_FLAG, "--labels has an empty name: take out the comma that is too many, or write the name"
        )
    if len(names) < 2 or len({name.casefold() for name in names}) < len(names):
        raise SettingError(Code.INVALID_FLAG, "--labels takes two or more different names with commas between them")
    if num_labels not in (None, len(names)):
        raise SettingError(
            Code.CONFLICTING_FLAGS,
            f"--num-labels {num_labels} and --labels name different numbers of labels: give one of them",
        )
    return names
