"""Format predictions as text, one way for figures, films and the terminal."""

from collections.abc import Mapping, Sequence

from netcore.core.formatting import format_percent


def format_prediction(
    classes: Sequence[str] | Mapping[int, str],
    predicted: int,
    confidence: float,
    label: int | None = None,
    decimals: int = 1,
) -> str:
    """Format a prediction in one line.

    Parameters
    ----------
    classes : sequence of str, or mapping of index to str
        Class names.
    predicted : int
        Index of the predicted class.
    confidence : float
        Probability of the predicted class, in [0, 1].
    label : int, optional
        Index of the true class, if it is known.
    decimals : int
        Digits after the decimal point of the confidence.

    Examples
    --------
    >>> format_prediction("0123456789", 7, 0.983)
    'predicted 7 (98.3 %)'
    >>> format_prediction("0123456789", 7, 0.983, label=7)
    'predicted 7 (98.3 %), correct'
    >>> format_prediction("0123456789", 4, 0.871, label=6)
    'predicted 4 (87.1 %), true class 6'
    """
    prediction, share, *outcome = prediction_lines(classes, predicted, confidence, label, decimals)
    return ", ".join([f"{prediction} ({share})", *outcome])


def prediction_lines(
    classes: Sequence[str] | Mapping[int, str],
    predicted: int,
    confidence: float,
    label: int | None = None,
    decimals: int = 1,
    number: int | None = None,
) -> list[str]:
    """Format a prediction in two or three lines, for narrow places; `number` identifies the image: ``#12``.

    Examples
    --------
    >>> prediction_lines("0123456789", 4, 0.871, label=6)
    ['predicted 4', '87.1 %', 'true class 6']
    >>> prediction_lines("0123456789", 4, 0.871, label=6, number=12)[1]
    '87.1 % · #12'
    """
    share = format_percent(confidence, decimals) + ("" if number is None else f" · #{number}")
    lines = [f"predicted {classes[predicted]}", share]
    if label is None:
        return lines
    return [*lines, "correct" if predicted == label else f"true class {classes[label]}"]


def prediction_role(predicted: int, label: int | None) -> str:
    """Return the theme's color role of a prediction: correct, incorrect, or emphasis without a label."""
    if label is None:
        return "emphasis"
    return "correct" if predicted == label else "incorrect"
