"""Anytime-valid statistics: they stay valid however often somebody looks at them. Pure.

The bound on a rate (``is_below``, ``upper_bound``, ``needed``):

The evidence against "the rate is at least p" is the mixture likelihood ratio with prior Beta(1, 1/limit)::

    e = B(1 + k, b + n - k) / B(1, b) / (p^k (1 - p)^(n - k)),   b = 1 / limit

Under a true rate p this is a non-negative martingale that starts at 1, so by Ville's inequality it ever reaches
1/alpha with a probability of at most alpha (Robbins 1970, "Statistical methods related to the law of the iterated
logarithm"; Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence
sequences"). The mixture does not depend on p and the likelihood falls above k/n, so with ``k/n < p`` every rate above
p is excluded together with p: the bound is one-sided and valid for all of them at once.
"""

from collections.abc import Callable
from math import isfinite, lgamma, log, log1p

_STEPS = 200
_MOST = 1 << 50


def is_below(failures: int, n: int, limit: float, confidence: float) -> bool:
    """Whether the rate is shown to be below the limit, at this confidence, by ``failures`` among ``n``.

    Anything that is no count or no probability shows nothing.
    """
    if not _is_sound(failures, n, limit, confidence) or n == 0 or failures / n >= limit:
        return False
    return _log_e(failures, n, limit, limit) >= -log1p(-confidence)


def upper_bound(failures: int, n: int, confidence: float, limit: float) -> float:
    """The smallest rate that is excluded from above, between 0 and 1; 1.0 where nothing is shown.

    ``limit`` only tunes where the bound is tightest: it is the limit that will be asked about.
    """
    if not _is_sound(failures, n, limit, confidence) or n == 0:
        return 1.0
    wanted = -log1p(-confidence)
    low, high = failures / n, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if _log_e(failures, n, middle, limit) >= wanted:
            high = middle
        else:
            low = middle
    return high


def needed(failures: int, n: int, limit: float, confidence: float) -> int:
    """How many further comparisons, all clean, would show the rate to be below the limit; 0 where it is shown.

    Raises:
        ValueError: the arguments are no counts or no probabilities.
    """
    if not _is_sound(failures, n, limit, confidence):
        raise ValueError(f"no counts or no probabilities: {failures} of {n}, limit {limit}, confidence {confidence}")
    if is_below(failures, n, limit, confidence):
        return 0
    low, high = 0, 1
    while not is_below(failures, n + high, limit, confidence):
        low, high = high, high * 2
        if high > _MOST:
            raise ValueError(f"no number of clean comparisons shows a rate below {limit}")
    while high - low > 1:
        middle = (low + high) // 2
        if is_below(failures, n + middle, limit, confidence):
            high = middle
        else:
            low = middle
    return high


def is_lopsided(first: int, second: int, confidence: float, among: int = 1) -> bool:
    """Whether ``first`` pairs one way and ``second`` the other are too unequal for a fair coin.

    Args:
        first: pairs of the one kind.
        second: pairs of the other kind.
        confidence: one less the probability with which fair coins are ever said to be lopsided.
        among: into how many parts that probability is cut, of which this question has one (Bonferroni).
    """
    if not (_is_sound(min(first, second), first + second, 0.5, confidence) and among >= 1):
        return False
    pairs = first + second
    log_e = _log_beta(0.5 + first, 0.5 + second) - _log_beta(0.5, 0.5) + pairs * log(2.0)
    return log_e >= -log1p(-confidence) + log(among)


def rate_between(hits: int, n: int, confidence: float) -> tuple[float, float]:
    """Between which rates the true one lies, at this confidence and whenever somebody looks; (0, 1) without data."""
    if not _is_sound(hits, n, 0.5, confidence) or n == 0:
        return 0.0, 1.0
    wanted = -log1p(-confidence)
    mixture = _log_beta(0.5 + hits, 0.5 + n - hits) - _log_beta(0.5, 0.5)

    def excluded(rate: float) -> bool:
        likelihood = (hits * log(rate) if hits else 0.0) + ((n - hits) * log1p(-rate) if n > hits else 0.0)
        return mixture - likelihood >= wanted

    centre = hits / n
    low = 0.0 if hits == 0 else _edge(excluded, 0.0, centre)
    high = 1.0 if hits == n else _edge(excluded, 1.0, centre)
    return low, high


def quantile_ranks(n: int, quantile: float, confidence: float) -> tuple[int, int]:
    """Between which two of ``n`` figures, counted from 1 in their order, a quantile of what they come from lies.

    How many of the figures are no larger than the true quantile is a count of hits at a known rate, so the ranks that
    the mixture with prior Beta(1/2, 1/2) does not exclude hold it whenever somebody looks (Howard and Ramdas 2022,
    "Sequential estimation of quantiles"). Where figures are equal, it is as if equal ones were put in order by lot.

    Returns:
        The ranks; 0 where nothing is shown from below, ``n + 1`` where nothing is from above.
    """
    if not (_is_sound(0, n, quantile, confidence) and n > 0):
        return 0, max(0, n) + 1 if isinstance(n, int) else 1
    wanted = -log1p(-confidence)

    def excluded(hits: int) -> bool:
        mixture = _log_beta(0.5 + hits, 0.5 + n - hits) - _log_beta(0.5, 0.5)
        return mixture - hits * log(quantile) - (n - hits) * log1p(-quantile) >= wanted

    centre = round(n * quantile)
    low = _last_inside(excluded, centre, 0)
    return low, _last_inside(excluded, centre, n) + 1


def fewest_for_quantile(quantile: float, confidence: float) -> int:
    """The fewest figures that show anything about a quantile from above.

    Raises:
        ValueError: these are no probabilities.
    """
    if not _is_sound(0, 1, quantile, confidence):
        raise ValueError(f"no probabilities: quantile {quantile}, confidence {confidence}")
    low, high = 0, 1
    while quantile_ranks(high, quantile, confidence)[1] > high:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if quantile_ranks(middle, quantile, confidence)[1] > middle:
            low = middle
        else:
            high = middle
    return high


def _last_inside(excluded: Callable[[int], bool], inside: int, outermost: int) -> int:
    """The count farthest from ``inside`` towards ``outermost`` that is not excluded."""
    if not excluded(outermost):
        return outermost
    outside = outermost
    while abs(outside - inside) > 1:
        middle = (outside + inside) // 2
        if excluded(middle):
            outside = middle
        else:
            inside = middle
    return inside


def _edge(excluded: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where between a rate that is excluded and one that is not the border lies."""
    for _ in range(_STEPS):
        middle = (outside + inside) / 2
        if middle in {outside, inside}:
            break
        if excluded(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _log_e(failures: int, n: int, rate: float, limit: float) -> float:
    """The logarithm of the evidence against "the rate is at least ``rate``"."""
    beta = 1.0 / limit
    clean = n - failures
    mixture = _log_beta(1.0 + failures, beta + clean) - _log_beta(1.0, beta)
    if rate >= 1.0:
        return float("inf") if clean else mixture
    return mixture - (failures * log(rate) if failures else 0.0) - clean * log1p(-rate)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _is_sound(failures: object, n: object, limit: float, confidence: float) -> bool:
    if not all(isinstance(count, int) and not isinstance(count, bool) for count in (failures, n)):
        return False
    if not (isinstance(failures, int) and isinstance(n, int) and 0 <= failures <= n):
        return False
    return isfinite(limit) and isfinite(confidence) and 0.0 < limit < 1.0 and 0.0 < confidence < 1.0
