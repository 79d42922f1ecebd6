"""The minutes of a page are counted from its words."""

import pytest
from minutes import minutes


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("word " * 200, 1),
        ("word " * 201, 2),
        ("", 1),
        ("word " * 100 + "\n$$\nx\n$$\n", 1),
        ("word " * 101 + "\n$$\nx\n$$\n", 2),  # half as fast beside a displayed formula
        ("word " * 100 + "\n## Next\n\n" + "word " * 50 + "\n$$\nx\n$$\n", 2),
        ("a $x + y + z$ " * 100, 1),  # an inline formula is one word
        ("word " * 200 + "\n```python\n" + "code " * 200 + "\n```\n", 1),
        ("word " * 197 + "\n:::{admonition} Of three words\n:class: question\ninside\n:::\n", 1),
        ("[a link](with/a/long-address.ipynb#and-an-anchor) " * 100, 1),
    ],
)
def test_words_are_counted_at_200_a_minute_and_derivations_at_100(text, number):
    assert minutes(text) == number
