"""The list of checks: each has a name, the numbers of the claims that it answers, and what is claimed in one line."""


class Claim:
    """One check."""

    def __init__(self, check, numbers, text):
        self.check, self.numbers, self.text = check, numbers, text
        self.name = check.__name__


#: Every check by its name, in the order in which they were written down.
CLAIMS = {}


def claim(text, *numbers):
    """Enters a function as a check. Numbers are those of the 43 claims; a remedy has none."""

    def enter(check):
        CLAIMS[check.__name__] = Claim(check, numbers, text)
        return check

    return enter
