"""The report as a piece of HTML for the output of a notebook's cell: no script, no ids, in the notebook's own colors.

The one-page report is no such thing: it has its own script, and anchors that several cells would share.
"""

from __future__ import annotations

from ..findings import Finding, Place
from ..run.result import Result
from .fragments import escaped, fix_shown, frame, placed
from .sources import Sources
from .text import summary

MOST = 100
"""How many findings are shown; a notebook keeps its outputs in its file."""

_STYLE = """
.bnlint article{border-left:4px solid;padding:.1em .8em;margin:.6em 0}
.bnlint p{margin:.3em 0;overflow-wrap:anywhere}
.bnlint .error{border-color:#d43a4b}.bnlint .warning{border-color:#d98200}.bnlint .advice{border-color:#2f8fce}
.bnlint pre{margin:.3em 0;padding:.4em;overflow-x:auto;background:#8882}
.bnlint figure{margin:.3em 0}
.bnlint .frame span{display:inline-block;min-width:2.5em;margin-right:1em;opacity:.6;text-align:right;user-select:none}
.bnlint mark{background:#fc06;color:inherit}
.bnlint .diff>*{display:block;text-decoration:none}
.bnlint ins{background:#3a34}.bnlint del{background:#d334}
.bnlint .soft,.bnlint figcaption{opacity:.75}
""".replace("\n", "")


def render(report: Result, sources: Sources) -> str:
    """The findings, what could not be read, and the summary, in one element."""
    parts = [_finding(finding, sources) for finding in report.findings[:MOST]]
    if len(report) > MOST:
        parts.append(f'<p class="soft">{len(report) - MOST} more findings are not shown: print the report.</p>')
    for failure in report.failures:
        place = Place(failure.path, failure.cell, failure.line)
        said = f"<b>{failure.state}</b>: {escaped(failure.message)}"
        parts.append(f'<article class="error"><p>{placed(place)}: {said}</p></article>')
    body = "\n".join([*parts, f"<p><b>{escaped(summary(report))}</b></p>"])
    return f'<div class="bnlint"><style>{_STYLE}</style>\n{body}\n</div>'


def _finding(finding: Finding, sources: Sources) -> str:
    place = finding.place
    lines = [
        f'<article class="{finding.severity}"><p><b>{finding.severity} {escaped(finding.rule)}</b> '
        f'<span class="soft">{placed(place)}</span></p>',
        f"<p>{escaped(finding.message)}</p>",
        frame(place, "", sources),
        *(frame(related.place, related.message, sources) for related in finding.related),
    ]
    if finding.fix is not None:
        lines.append(fix_shown(finding.fix, sources))
    elif finding.fixable:
        lines.append(f"<p>Fixable: {escaped(finding.fixable)}</p>")
    elif finding.withheld:
        lines.append(f"<p>Not fixable: {escaped(finding.withheld)}</p>")
    if finding.why:
        lines.append(f'<p class="soft">{escaped(finding.why)}</p>')
    return "\n".join([*filter(None, lines), "</article>"])
