"""Whether something grows: a slope that single outliers do not move."""

from collections.abc import Sequence
from statistics import median

Point = tuple[float, float]


def theil_sen(points: Sequence[Point]) -> float:
    """The median of the slopes between all pairs of points: per unit of the first coordinate.

    Raises:
        ValueError: there are no two points with different first coordinates.
    """
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for number, earlier in enumerate(points)
        for later in points[number + 1 :]
        if later[0] != earlier[0]
    ]
    if not slopes:
        raise ValueError("a slope needs two points")
    return median(slopes)


def growth(points: Sequence[Point]) -> float:
    """What the slope adds up to from the first point to the last."""
    return theil_sen(points) * (points[-1][0] - points[0][0])


def growth_percent(points: Sequence[Point]) -> float:
    """That as a share of the median, in percent; 0 where the median is 0."""
    middle = median(value for _, value in points)
    return 100 * growth(points) / middle if middle else 0.0
