# SPDX-License-Identifier: Apache-2.0
"""Line plots as SVG, legible on light and dark: across, values grow by doubling; upwards, they begin at 0."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 16, 40, 48
_COLOURS = ("#3584e4", "#e66100", "#26a269", "#9141ac")
_HEAD = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" '
    'fill="#77767b" role="img" aria-label="{title}">'
)
Line = Sequence[tuple[float, float]]


def nice_step(highest: float, steps: int = 5) -> float:
    """Return 1, 2 or 5 times a power of ten, so that about `steps` of them reach `highest`."""
    if highest <= 0:
        return 1.0
    rough = highest / steps
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.999)


def _text(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def plot(title: str, x_name: str, y_name: str, lines: Mapping[str, Line]) -> str:
    """Return the SVG. All x are above 0."""
    xs = sorted({x for line in lines.values() for x, _ in line})
    step = nice_step(max(y for line in lines.values() for _, y in line))
    top = step * math.ceil(max(y for line in lines.values() for _, y in line) / step - 1e-9)
    low, high = math.log2(xs[0]), math.log2(xs[-1])

    def place(x: float, y: float) -> tuple[float, float]:
        part = (math.log2(x) - low) / (high - low or 1)
        return (
            round(_LEFT + part * (WIDTH - _LEFT - _RIGHT), 1),
            round(HEIGHT - _BOTTOM - y / (top or 1) * (HEIGHT - _TOP - _BOTTOM), 1),
        )

    out = [_HEAD.format(title=escape(title)), f'<text x="{_LEFT}" y="16" font-size="14">{escape(title)}</text>']
    for number in range(round(top / step) + 1):
        _, y = place(xs[0], number * step)
        out.append(f'<path d="M{_LEFT} {y}H{WIDTH - _RIGHT}" stroke="#77767b" stroke-opacity=".3"/>')
        out.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{_text(number * step)}</text>')
    bottom = HEIGHT - _BOTTOM + 16
    out += [f'<text x="{place(x, 0)[0]}" y="{bottom}" text-anchor="middle">{escape(_text(x))}</text>' for x in xs]
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    out.append(f'<text x="{(_LEFT + WIDTH) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_name)}</text>')
    out.append(f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(y_name)}</text>')
    for number, (name, line) in enumerate(lines.items()):
        out += _line(number, name, [place(x, y) for x, y in sorted(line)])
    return "\n".join([*out, "</svg>"]) + "\n"


def _line(number: int, name: str, points: list[tuple[float, float]]) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        dots,
        f'<text x="{_LEFT + 150 * number}" y="33" fill="{colour}">{escape(name)}</text>',
    ]
