"""How grain sizes are distributed: means, percentiles, histogram, lognormal fit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from temgrains.records import silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import Progress

_MOST_BINS = 100
_ROUNDING = 1e-9
_NULL_SIZE = 5000
_GRAINS_PER_FREEDOM = 7
"""The variance of a variance has n / 7 degrees of freedom where values are normal."""
_LEAST_FREEDOM = 4
_LEAST_SHARE = 1e-6
"""Of the variance, that the jackknife takes to be left where only one grain differs from the others."""


@dataclass(frozen=True, slots=True)
class Lognormal:
    """A lognormal distribution fitted to diameters, counted by number, without an offset.

    ``mu`` and ``sigma`` are mean and standard deviation of ln(diameter), by maximum likelihood;
    ``sample_sigma`` is the standard deviation with n - 1. ``median`` = exp(mu) is the geometric mean too,
    ``spread`` = exp(sigma) the multiplicative standard deviation; ``mean`` = exp(mu + sigma^2 / 2) has the
    confidence interval ``mean_low`` .. ``mean_high`` (modified Cox); ``mu_low`` .. ``mu_high`` is that of mu
    (Student), ``sigma_low`` .. ``sigma_high`` that of sigma (normal or jackknife, the wider). ``area_median``
    is the median by area.
    ``distance`` is that of Kolmogorov and Smirnov, ``p`` how often diameters drawn from the fit are at least
    as far from their own fit. All are NaN where they are undefined.
    """

    count: int
    mu: float
    sigma: float
    sample_sigma: float
    mean_low: float = math.nan
    mean_high: float = math.nan
    mu_low: float = math.nan
    mu_high: float = math.nan
    sigma_low: float = math.nan
    sigma_high: float = math.nan
    distance: float = math.nan
    p: float = math.nan

    @property
    def median(self) -> float:
        """Median, the same as the geometric mean."""
        return math.exp(self.mu)

    @property
    def spread(self) -> float:
        """Multiplicative (geometric) standard deviation."""
        return math.exp(self.sigma)

    @property
    def mean(self) -> float:
        """Arithmetic mean of the fitted distribution."""
        return math.exp(self.mu + self.sigma**2 / 2)

    @property
    def mode(self) -> float:
        """Most frequent diameter."""
        return math.exp(self.mu - self.sigma**2)

    @property
    def area_median(self) -> float:
        """Diameter below which half of the area lies."""
        return math.exp(self.mu + 2 * self.sigma**2)


@dataclass(frozen=True, slots=True)
class Summary:
    """Plain statistics of diameters, in their unit; percentiles by number and by area.

    ``mean_low`` .. ``mean_high`` is the 95 % confidence interval of the mean (Student).
    """

    count: int
    mean: float
    mean_low: float
    mean_high: float
    deviation: float
    geometric_mean: float
    area_weighted_mean: float
    percentiles: tuple[float, float, float]
    area_percentiles: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares per bin, by number and by area; ``edges`` has one entry more."""

    edges: NDArray[np.float64] = field(repr=False)
    by_number: NDArray[np.float64] = field(repr=False)
    by_area: NDArray[np.float64] = field(repr=False)


def summarise(diameters: NDArray[np.float64], *, weights: NDArray[np.float64] | None = None) -> Summary:
    """Give means and the 10, 50 and 90 % percentiles; NaN where there is no grain.

    Parameters
    ----------
    diameters
        Equivalent circle diameters, all above 0.
    weights
        For how many grains each stands, such as `temgrains.statistics.planimetric.border_weights`; 1 by
        default.

    Raises
    ------
    ValueError
        If a diameter is not a positive number, or there is not one weight above 0 for each.
    """
    d = _checked(diameters)
    w = _weights(weights, len(d))
    if not len(d):
        nothing = (math.nan,) * 3
        return Summary(0, *(math.nan,) * 6, nothing, nothing)
    mean, deviation, error = _moments(d, w)
    half = float(stats.t.ppf(0.975, len(d) - 1)) * error if len(d) > 1 else math.nan
    return Summary(
        count=len(d),
        mean=mean,
        mean_low=mean - half,
        mean_high=mean + half,
        deviation=deviation,
        geometric_mean=float(np.exp(np.average(np.log(d), weights=w))),
        area_weighted_mean=float(np.average(d, weights=w * d**2)),
        percentiles=_percentiles(d, w),
        area_percentiles=_percentiles(d, w * d**2),
    )


def histogram(diameters: NDArray[np.float64], *, bins: int | None = None) -> Histogram:
    """Sort diameters into bins of equal width; without `bins` as many as their scatter bears.

    Raises
    ------
    ValueError
        If a diameter is not a positive number, or the number of bins is below 1.
    """
    d = _checked(diameters)
    if bins is not None and bins < 1:
        raise ValueError(f"bins is {bins}; it must be at least 1")
    chosen = bins or _bins(d)
    edges = np.linspace(0, d.max() if len(d) else 1, chosen + 1)
    shares = [np.histogram(d, edges, weights=weights)[0] for weights in (np.ones_like(d), d**2)]
    number, area = (share / max(share.sum(), np.finfo(float).tiny) for share in shares)
    return Histogram(edges=edges, by_number=number, by_area=area)


def cumulative(
    diameters: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give rising diameters and the shares of number and of area that lie up to each."""
    d = np.sort(_checked(diameters))
    area = np.cumsum(d**2)
    return d, np.arange(1, len(d) + 1) / max(len(d), 1), area / (area[-1] if len(d) else 1)


def quantiles(diameters: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give a Q-Q plot: quantiles of the normal distribution, and rising ln(diameter) at them."""
    logs = np.sort(np.log(_checked(diameters)))
    positions = (np.arange(len(logs)) + 0.5) / max(len(logs), 1)
    return np.asarray(stats.norm.ppf(positions), np.float64), logs


def fit_lognormal(
    diameters: NDArray[np.float64],
    *,
    weights: NDArray[np.float64] | None = None,
    confidence: float = 0.95,
    replicates: int = 999,
    rng: np.random.Generator | int = 0,
    progress: Progress = silent,
) -> Lognormal:
    """Fit a lognormal distribution without an offset, and tell how well it fits.

    Parameters
    ----------
    diameters
        Equivalent circle diameters, all above 0.
    weights
        For how many grains each stands; 1 by default. ``distance`` and ``p`` are of the grains as they are.
    confidence
        Of the intervals.
    replicates
        Samples drawn from the fit for ``p``.
    rng
        Random generator or seed for them.
    progress
        Called as ``progress("fit", samples_done, samples)``.

    Raises
    ------
    ValueError
        If a diameter is not a positive number, there is not one weight above 0 for each, or the confidence
        does not lie between 0 and 1.

    Notes
    -----
    Both parameters are fitted, so the tables of Kolmogorov and Smirnov do not hold, and ``p`` comes from
    samples that are fitted the same way (parametric bootstrap). Above 5000 grains the samples have 5000, and
    distances are compared times the root of the number. With 0 replicates ``p`` is NaN.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")
    logs = np.log(_checked(diameters))
    n = len(logs)
    w = _weights(weights, n)
    if n < 2 or not np.ptp(logs) > 0:
        mu = float(logs.mean()) if n else math.nan
        return Lognormal(n, mu, 0.0 if n else math.nan, math.nan)
    mu, sample_sigma, error = _moments(logs, w)
    variance, effective = sample_sigma**2, w.sum() ** 2 / (w**2).sum()
    t = float(stats.t.ppf((1 + confidence) / 2, n - 1))
    half = t * math.sqrt(variance / effective + variance**2 / (2 * (effective + 1)))
    half_mu, (sigma_low, sigma_high) = t * error, _interval_of_sigma(logs, w, confidence)
    distance = _distance(np.sort(logs))
    return Lognormal(
        count=n,
        mu=mu,
        sigma=sample_sigma * math.sqrt((n - 1) / n),
        sample_sigma=sample_sigma,
        mean_low=math.exp(mu + variance / 2 - half),
        mean_high=math.exp(mu + variance / 2 + half),
        mu_low=mu - half_mu,
        mu_high=mu + half_mu,
        sigma_low=sigma_low,
        sigma_high=sigma_high,
        distance=distance,
        p=_bootstrap_p(distance, n, replicates, np.random.default_rng(rng), progress),
    )


def _bins(d: NDArray[np.float64]) -> int:
    """Give as many bins as the scatter bears, whatever the unit; one where there is none but rounding."""
    if not len(d) or not np.ptp(d) > _ROUNDING * d.max():
        return 1
    return min(_MOST_BINS, len(np.histogram_bin_edges(d / d.max(), "auto")) - 1)


def _checked(diameters: NDArray[np.float64]) -> NDArray[np.float64]:
    d = np.asarray(diameters, np.float64).ravel()
    wrong = ~(np.isfinite(d) & (d > 0))
    if wrong.any():
        raise ValueError(
            f"a diameter is {d[wrong][0]:g}; all must be above 0, so leave out what is undefined"
        )
    return d


def _weights(weights: NDArray[np.float64] | None, count: int) -> NDArray[np.float64]:
    w = np.ones(count) if weights is None else np.asarray(weights, np.float64).ravel()
    if len(w) != count or not (np.isfinite(w) & (w > 0)).all():
        raise ValueError(f"there are {len(w)} weights for {count} diameters; each needs one above 0")
    return w


def _moments(x: NDArray[np.float64], w: NDArray[np.float64]) -> tuple[float, float, float]:
    """Give mean, deviation (n - 1), and the mean's standard error, as weights of single grains make it."""
    n = len(x)
    mean = float(np.average(x, weights=w))
    if n < 2:
        return mean, math.nan, math.nan
    scale = n / (n - 1)
    variance = scale * float(np.average((x - mean) ** 2, weights=w))
    error = math.sqrt(scale * float(((w * (x - mean)) ** 2).sum())) / float(w.sum())
    return mean, math.sqrt(variance), error


def _interval_of_sigma(
    logs: NDArray[np.float64], w: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    """Give the interval of the deviation; it is that of a normal distribution or the jackknife's, the wider.

    Large grains weigh more and lie far from the mean, and cells of grains are lognormal only roughly: leaving
    out each grain in turn shows what both do to ln(s). That error is itself estimated, from fourth powers,
    which scatter as if there were one seventh of the grains. ln(s) is low by its variance on average.
    """
    n, rest = len(logs), w.sum() - w
    means = ((w * logs).sum() - w * logs) / rest
    variances = ((w * logs**2).sum() - w * logs**2) / rest - means**2
    deviation = _moments(logs, w)[1]
    without = np.log(np.maximum(variances, _LEAST_SHARE * deviation**2)) / 2
    jackknife = math.sqrt((n - 1) * float(without.var()))
    normal = math.sqrt(1 / (2 * max(float(w.sum() ** 2 / (w**2).sum()) - 1, 1)))
    quantile = (1 + confidence) / 2
    half = max(
        float(stats.t.ppf(quantile, n - 1)) * normal,
        float(stats.t.ppf(quantile, max(n / _GRAINS_PER_FREEDOM, _LEAST_FREEDOM))) * jackknife,
    )
    middle = deviation * math.exp(normal**2)
    return middle * math.exp(-half), middle * math.exp(half)


def _percentiles(d: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float, float]:
    low, middle, high = np.quantile(d, (0.1, 0.5, 0.9), weights=weights, method="inverted_cdf")
    return float(low), float(middle), float(high)


def _distance(rising: NDArray[np.float64]) -> float:
    """Largest distance of the steps of a sample from the normal distribution fitted to it."""
    n = len(rising)
    expected = stats.norm.cdf((rising - rising.mean()) / rising.std())
    steps = np.arange(n)
    return float(max((expected - steps / n).max(), ((steps + 1) / n - expected).max()))


def _bootstrap_p(
    distance: float, n: int, replicates: int, rng: np.random.Generator, progress: Progress
) -> float:
    if replicates < 1:
        return math.nan
    size = min(n, _NULL_SIZE)
    limit = distance * math.sqrt(n / size)
    farther = 0
    for done in range(replicates):
        farther += _distance(np.sort(rng.standard_normal(size))) >= limit
        progress("fit", done + 1, replicates)
    return (farther + 1) / (replicates + 1)
