"""An SVG chart of small bars: a row for each step, a panel for each figure, a bar for each tool."""

from xml.sax.saxutils import escape

COLOURS = {"lsync": "#1a7f5a", "s5cmd": "#8a9bb0", "rclone": "#6b7f99", "aws": "#aab6c4",
           "juicefs": "#546a86"}
OTHER = "#8a9bb0"
NAME_WIDTH, PANEL_WIDTH, BAR_WIDTH, LEFT = 60, 210, 120, 16
BAR, GAP, TITLE = 13, 3, 24
HEAD = 34


def chart(rows, figures):
    """Draws `rows`, (title, {tool: [text and value of each figure]}); `figures` names the panels."""
    width = LEFT + NAME_WIDTH + PANEL_WIDTH * len(figures)
    lines, top = [], HEAD
    for number, figure in enumerate(figures):
        lines.append(text(LEFT + NAME_WIDTH + number * PANEL_WIDTH, 20, figure, "head"))
    for title, tools in rows:
        lines.append(text(LEFT, top + 15, title, "title"))
        top += TITLE
        for tool, shown in tools.items():
            lines.append(text(LEFT, top + BAR - 3, tool, "name"))
            for number, (words, value) in enumerate(shown):
                most = max(other[number][1] for other in tools.values()) or 1
                left = LEFT + NAME_WIDTH + number * PANEL_WIDTH
                long = max(1.0, BAR_WIDTH * value / most)
                lines.append(f'<rect x="{left}" y="{top}" width="{long:.1f}" height="{BAR}" '
                             f'fill="{COLOURS.get(tool, OTHER)}"/>')
                lines.append(text(left + long + 5, top + BAR - 3, words, "name"))
            top += BAR + GAP
        top += GAP * 3
    style = ("text{font:11px sans-serif;fill:#333}.head,.title{font-weight:bold}"
             ".head{fill:#000}rect.paper{fill:#fff}")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" '
        f'viewBox="0 0 {width} {top}">',
        f"<style>{style}</style>", f'<rect class="paper" width="{width}" height="{top}"/>',
        *lines, "</svg>", ""])


def text(left, bottom, words, kind):
    return f'<text x="{left:.1f}" y="{bottom}" class="{kind}">{escape(words)}</text>'
