"""Bars of what others take beside Parley, as an SVG: for bench/run."""

import html
import math

WIDTH, LABELS, ROW, BAR, TOP = 900, 300, 18, 13, 60
COLOURS = ["#888888", "#2f6fab", "#c26a2e", "#5a9a4a", "#a3528f", "#b5a336", "#5b5fb5"]
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-size: 14px; font-weight: 600 }
.paper { fill: #fff } .grid { stroke: #8884 } .end { text-anchor: end } .middle { text-anchor: middle }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .paper { fill: #16191d } }
</style>"""


def bars(rows, reference):
    """`rows`: [(name, {server: value})]. Values are drawn as multiples of the reference's; the scale is logarithmic."""
    servers = list(dict.fromkeys(server for _, values in rows for server in values))
    multiples = [(name, [(server, value / values[reference]) for server, value in values.items() if value])
                 for name, values in rows if values.get(reference)]
    most = max((multiple for _, found in multiples for _, multiple in found), default=1)
    top = 2 ** math.ceil(math.log2(max(most, 2)))
    least = 0.5

    def across(multiple):
        share = math.log(max(multiple, least) / least) / math.log(top / least)
        return LABELS + share * (WIDTH - LABELS - 70)

    parts, y = [], TOP
    for name, found in multiples:
        parts.append(f'<text class="end" x="{LABELS - 10}" y="{y + BAR - 2}">{html.escape(name)}</text>')
        for server, multiple in found:
            colour = COLOURS[servers.index(server) % len(COLOURS)]
            parts.append(f'<rect x="{LABELS}" y="{y}" width="{across(multiple) - LABELS:.1f}" height="{BAR}" '
                         f'fill="{colour}"/>')
            parts.append(f'<text x="{across(multiple) + 4:.1f}" y="{y + BAR - 2}">{multiple:.2f}</text>')
            y += ROW
        y += 12
    marks, mark = [], least
    while mark <= top:
        marks.append(f'<line class="grid" x1="{across(mark):.1f}" y1="{TOP - 6}" x2="{across(mark):.1f}" y2="{y}"/>'
                     f'<text class="middle" x="{across(mark):.1f}" y="{y + 14}">{mark:g}</text>')
        mark *= 2
    legend, x = [], LABELS
    for server, colour in zip(servers, COLOURS):
        legend.append(f'<rect x="{x}" y="32" width="12" height="12" fill="{colour}"/>'
                      f'<text x="{x + 16}" y="43">{html.escape(server)}</text>')
        x += 30 + 7 * len(server)
    what = f"CPU time a message, in multiples of {html.escape(reference)}"
    title = f'<text class="title" x="{LABELS}" y="20">{what}</text>'
    size = f'viewBox="0 0 {WIDTH} {y + 24}" width="{WIDTH}" height="{y + 24}"'
    drawn = "\n".join([title, *legend, *marks, *parts])
    return (f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{STYLE}\n'
            f'<rect class="paper" width="100%" height="100%"/>\n{drawn}\n</svg>\n')
