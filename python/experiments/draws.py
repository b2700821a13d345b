"""Random numbers that programs in other languages can draw as well.

splitmix64 (Steele, Lea, Flood 2014), of which the high 32 bits are used; a number below a bound is the remainder. The Rust
workloads draw the same numbers from the same seed.
"""

_MASK = (1 << 64) - 1


class Draws:
    """One stream of draws."""

    def __init__(self, seed):
        self.state = seed & _MASK

    def next_64(self):
        """The next 64 bits."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def next_32(self):
        """The next 32 bits: the high half."""
        return self.next_64() >> 32

    def below(self, bound):
        """The next number below `bound`."""
        return self.next_32() % bound

    def shuffle(self, items):
        """Fisher and Yates, in place."""
        for n in range(len(items) - 1, 0, -1):
            other = self.below(n + 1)
            items[n], items[other] = items[other], items[n]


def ring_of_draws(seed, length=65536):
    """A fixed list of draws, to be walked round and round: drawing costs one load then."""
    draws = Draws(seed)
    return [draws.next_32() for _ in range(length)]
