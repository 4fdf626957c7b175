"""A rule's card as HTML: its Markdown, with formulas as MathML, which needs no font and no network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from html import escape
from typing import Any

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin


def as_html(card: str, listed: Collection[str] = ()) -> str:
    """The card without its title. HTML in it is shown as text, and pictures are left out: nothing is loaded.

    listed: the rules whose cards are on the same page, to which links between cards lead; other such links are text.
    """
    _, _, body = card.partition("\n") if card.startswith("# ") else ("", "", card)
    reader = _markdown()
    tokens = reader.parse(body)
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children, listed))
    return str(reader.renderer.render(tokens, reader.options, {}))


def _linked(tokens: Iterable[Token], listed: Collection[str]) -> Iterator[Token]:
    """The tokens, without links that lead nowhere from a page of its own."""
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            target = str(token.attrs.get("href", ""))
            rule = target.partition("#")[0].removesuffix(".md").replace("_", "-")
            dropped = not target.startswith("https://") and rule not in listed
            if rule in listed:
                token.attrs["href"] = f"#rule-{rule}"
        if not (dropped and token.type in ("link_open", "link_close")):
            yield token


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
