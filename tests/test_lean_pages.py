"""What the site's stylesheets keep, and what their fonts must be able to show."""

import lean_pages
import pytest
import tinycss2
from selectolax.lexbor import LexborHTMLParser

PAGE = LexborHTMLParser(
    '<html><body><p class="a katex"><b class="katex-html"></b></p><ul><li></li></ul></body></html>'
)
USE = lean_pages.Use([PAGE], ['box.classList.add("later")'])


@pytest.mark.parametrize(
    ("css", "kept"),
    [(".a{x:1}", ".a{x:1}"), (".b{x:1}", ""), (".a,.b{x:1}", ".a{x:1}"),
     (".a .b,p{x:1}", "p{x:1}"), (":is(.a,.b) li{x:1}", ":is(.a,.b) li{x:1}"),
     ("p:not(.b){x:1}", "p:not(.b){x:1}"), ("@media print{.b{x:1}}", ""),
     ("@media print{.a{x:1}}", "@media print{.a{x:1}}"), ("/* a word */p{x:1}", "p{x:1}"),
     ("/*! a licence */p{x:1}", "/*! a licence */\np{x:1}"),
     (".tooltip-inner{x:1}", ".tooltip-inner{x:1}"), (".later p{x:1}", ".later p{x:1}"),
     ("table{x:1}", ""), ("ul > p{x:1}", ""),
     ("ul > :hover::before{x:1}", "ul > :hover::before{x:1}"),
     ("p[aria-busy]:focus{x:1}", "p[aria-busy]:focus{x:1}"), (".katex i{x:1}", ".katex i{x:1}")],
)  # fmt: skip
def test_a_rule_is_kept_when_one_of_its_selectors_can_match(css, kept):
    rules = tinycss2.parse_stylesheet(css, skip_whitespace=True)
    assert lean_pages.purged(rules, USE) == kept


def test_variables_and_animations_that_nothing_reads_are_left_out():
    css = (
        "/* why */ a { --used : 1; --unread: 2; --only-for-unread: 3; --by-script: 4;\n"
        " x: var(--used) }"
        " p { --unread: var(--only-for-unread) } @keyframes turn { 0% { x: 1 } }"
        " @keyframes wave { 0% { x: 1 } } b { animation: 1s wave; content: '\u00a0' } /*! mine */"
    )
    assert lean_pages.squeezed(css.replace(" :", ":"), ["set('--by-script')"]) == (
        " a{--used:1;--by-script:4;x:var(--used)}@keyframes wave{0%{x:1}}"
        "b{animation:1s wave;content:'\u00a0'}/*! mine */"
    )


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
