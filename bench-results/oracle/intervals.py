"""Known answers for the bootstrap of bench-results/src/statistics/bootstrap, from NumPy and SciPy.

    pip install numpy==2.4.6 scipy==1.17.1
    python3 intervals.py > intervals.json

Independent of the Rust code: times are kept singly and merged by concatenation, percentiles are NumPy's inverse of the
empirical distribution, the resamples of five rounds are all 5^5 that there are, and for ten rounds scipy.stats.bootstrap
draws 100,000. Times are below 2,048, where a histogram of three digits is exact.
"""

import itertools
import json

import numpy as np
from scipy import stats

LEVEL = 0.95
RANDOM = np.random.default_rng(20)


def draws(n):
    """All resamples of n rounds if they are few, else 100,000 of them."""
    if n <= 5:
        return np.array(list(itertools.product(range(n), repeat=n)))
    return RANDOM.integers(0, n, (100_000, n))


def expanded_tail(n):
    return stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf((1 - LEVEL) / 2, n - 1))


def expanded(n, figure):
    """Percentile interval at the expanded level: by SciPy for ten rounds, from all resamples for five."""
    tail = expanded_tail(n)
    if n > 5:
        result = stats.bootstrap(
            (np.arange(n),), lambda rounds: figure(rounds), n_resamples=100_000, vectorized=False,
            confidence_level=1 - 2 * tail, method="percentile", rng=RANDOM)
        return result.confidence_interval.low, result.confidence_interval.high
    figures = [figure(rounds) for rounds in draws(n)]
    return tuple(np.quantile(figures, [tail, 1 - tail]))


def studentized(n, figure, error):
    rounds = np.arange(n)
    point, own = figure(rounds), error(rounds)
    off = []
    for drawn in draws(n):
        away, spread = figure(drawn) - point, error(drawn)
        if spread > 1e-9 * own:
            off.append(away / spread)
        else:  # none but for rounding: all drawn rounds are equal, and the point is infinitely far off
            off.append(np.sign(away) * 1e12)
    low, high = np.quantile(off, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if max(abs(low), abs(high)) > 1e6:
        low, high = stats.t.interval(LEVEL, n - 1)
    return point - high * own, point - low * own


def error_of_mean(values):
    return lambda rounds: stats.sem(values[rounds])


def jackknife(figure):
    def error(rounds):
        n = len(rounds)
        without = np.array([figure(np.delete(rounds, i)) for i in range(n)])
        return np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2))
    return error


def cached(figure):
    known = {}

    def look_up(rounds):
        key = tuple(sorted(rounds))
        if key not in known:
            known[key] = figure(np.array(key))
        return known[key]
    return look_up


def log_percentile(times, quantile):
    return cached(lambda rounds: np.log(np.quantile(np.concatenate([times[r] for r in rounds]), quantile,
                                                    method="inverted_cdf")))


def made_times(n, scale, count):
    effects = RANDOM.normal(0, 0.08, n)
    return [np.minimum(2047, np.maximum(1, scale * np.exp(e + RANDOM.normal(0, 0.3, count)))).astype(int)
            for e in effects]


def case(figure, n, point, interval, **given):
    return {"figure": figure, "rounds": n, "point": float(point), "low": float(interval[0]), "high": float(interval[1]),
            **given}


def main():
    cases = []
    for n in (5, 10):
        rounds = np.arange(n)
        values = np.round(100 * np.exp(RANDOM.normal(0, 0.3, n)), 3)
        other = np.round(80 * np.exp(RANDOM.normal(0, 0.1, n)) * (values / 100) ** 0.8, 3)
        mean = lambda r: values[r].mean()
        cases.append(case("mean", n, mean(rounds), studentized(n, mean, error_of_mean(values)), ours=values.tolist()))
        median = lambda r: np.median(values[r])
        cases.append(case("median", n, median(rounds), expanded(n, median), ours=values.tolist()))
        logs = np.log(values / other)
        log_mean = lambda r: logs[r].mean()
        cases.append(case("paired-ratio", n, np.exp(log_mean(rounds)),
                          np.exp(studentized(n, log_mean, error_of_mean(logs))),
                          ours=values.tolist(), reference=other.tolist()))
        quantile, count = 0.9, 60
        ours, reference = made_times(n, 500, count), made_times(n, 400, count)
        one, two = log_percentile(ours, quantile), log_percentile(reference, quantile)
        a, b = expanded(n, one), studentized(n, one, cached(jackknife(one)))
        cases.append(case("percentile", n, np.exp(one(rounds)), np.exp([min(a[0], b[0]), max(a[1], b[1])]),
                          quantile=quantile, our_times=[t.tolist() for t in ours]))
        ratio = cached(lambda r: one(r) - two(r))
        cases.append(case("percentile-ratio", n, np.exp(ratio(rounds)), np.exp(expanded(n, ratio)), quantile=quantile,
                          our_times=[t.tolist() for t in ours], reference_times=[t.tolist() for t in reference]))
    lines = ",\n".join(json.dumps(c) for c in cases)
    print(f"[\n{lines}\n]")


main()
