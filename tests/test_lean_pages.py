"""What the site's one stylesheet keeps, and what its fonts must be able to show."""

import lean_pages
import pytest
import tinycss2
from selectolax.lexbor import LexborHTMLParser


@pytest.mark.parametrize(
    ("css", "kept"),
    [(".a{x:1}", ".a{x:1}"), (".b{x:1}", ""), (".a,.b{x:1}", ".a{x:1}"),
     (".a .b,p{x:1}", "p{x:1}"), (":is(.a,.b) p{x:1}", ":is(.a,.b) p{x:1}"),
     ("p:not(.b){x:1}", "p:not(.b){x:1}"), ("@media print{.b{x:1}}", ""),
     ("@media print{.a{x:1}}", "@media print{.a{x:1}}"), ("/* a word */p{x:1}", "p{x:1}"),
     ("/*! a licence */p{x:1}", "/*! a licence */\np{x:1}"),
     (".tooltip-inner{x:1}", ".tooltip-inner{x:1}")],
)  # fmt: skip
def test_a_rule_is_kept_when_one_of_its_selectors_can_match(css, kept):
    rules = tinycss2.parse_stylesheet(css, skip_whitespace=True)
    assert lean_pages.purged(rules, {"a"}) == kept


def test_a_font_keeps_the_signs_that_formulas_show_in_it():
    page = LexborHTMLParser(
        '<p class="katex"><b class="katex-html">1<i class="mathnormal">x</i>'
        '<i class="mathbb">E</i><i class="mathbf">h</i></b></p>'
    )
    css = (
        ".katex .mathnormal{font-family:KaTeX_Math;font-style:italic}"
        ".katex .mathbb{font-family:KaTeX_AMS}"
        ".katex .mathbf{font-family:KaTeX_Main;font-weight:700}"
    )

    def signs(family, weight, style):
        face = f"font-family:{family};font-style:{style};font-weight:{weight}"
        return "".join(sorted(lean_pages.formula_signs([page], css, face)))

    assert signs("KaTeX_Main", 400, "normal") == "1Ehx"
    assert signs("KaTeX_Math", 400, "italic") == "x"
    assert signs("KaTeX_AMS", 400, "normal") == "E"
    assert signs("KaTeX_Main", 700, "normal") == "h"
    assert signs("KaTeX_Fraktur", 400, "normal") == ""
