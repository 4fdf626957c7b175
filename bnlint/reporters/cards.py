"""A rule's card as HTML: its Markdown, with formulas as MathML, which needs no font and no network."""

from __future__ import annotations

from html import escape
from typing import Any

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin


def as_html(card: str) -> str:
    """The card without its title. HTML in it is shown as text, and pictures are left out: nothing is loaded."""
    _, _, body = card.partition("\n") if card.startswith("# ") else ("", "", card)
    return str(_markdown().render(body))


def _markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").use(dollarmath_plugin)
    reader.add_render_rule("fence", _fence)
    reader.add_render_rule("math_inline", _math)
    reader.add_render_rule("math_block", _math)
    reader.add_render_rule("heading_open", _heading)
    reader.add_render_rule("heading_close", _heading)
    return reader


def _fence(self: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """A block of code, with what the card calls it above."""
    called = escape(tokens[index].info.partition(" ")[2])
    caption = f"<figcaption>{called}</figcaption>" if called else ""
    return f'<figure class="code {called}">{caption}<pre tabindex="0">{escape(tokens[index].content)}</pre></figure>\n'


def _math(self: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """A formula; one that cannot be converted stays as it is written."""
    token = tokens[index]
    block = token.type == "math_block"
    try:
        said = convert(token.content, display="block" if block else "inline")
    except Exception:
        said = f"<code>{escape(token.content)}</code>"
    return f'<p class="formula">{said}</p>\n' if block else said


def _heading(self: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Headings stand two levels lower than in the card, below those of the page."""
    level = min(int(tokens[index].tag[1:]) + 2, 6)
    return f"<h{level}>" if tokens[index].type == "heading_open" else f"</h{level}>\n"
