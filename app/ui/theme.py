# SPDX-License-Identifier: Apache-2.0
"""Colours, fonts and icons, light and dark, as the desktop has it. The only place where a colour is written down.

style.qss says how widgets look, in these colours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Any, TypeVar

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True, slots=True)
class Colours:
    """A scheme. Texts on their grounds have a contrast of at least 4.5 to 1."""

    window: str
    base: str
    raised: str
    text: str
    muted: str
    border: str
    accent: str
    on_accent: str
    hover: str
    selected: str
    good: str
    busy: str
    warning: str
    bad: str
    warning_ground: str
    bad_ground: str
    good_ground: str
    read: str
    write: str


LIGHT = Colours(
    window="#f4f6f8", base="#ffffff", raised="#ffffff", text="#1b2430", muted="#566273", border="#d5dbe3",
    accent="#1f66b8", on_accent="#ffffff", hover="#e8edf3", selected="#dbe8f7", good="#1a7a48", busy="#1f66b8",
    warning="#8a5a00", bad="#b3261e", warning_ground="#fff5dc", bad_ground="#fdecea", good_ground="#e6f5ec",
    read="#1f66b8", write="#b8530a",
)  # fmt: skip
DARK = Colours(
    window="#1c2027", base="#15181e", raised="#232831", text="#e7ebf1", muted="#a0abba", border="#363e4a",
    accent="#5fa8ee", on_accent="#0d1825", hover="#2a303a", selected="#25405f", good="#4fc98a", busy="#5fa8ee",
    warning="#e6b84f", bad="#ff8a80", warning_ground="#3a3118", bad_ground="#40211f", good_ground="#173326",
    read="#5fa8ee", write="#f2a55f",
)  # fmt: skip


class _Current(QObject):
    """The scheme that is in use, and who is told of another."""

    changed = Signal()
    colours = LIGHT


@cache
def _current() -> _Current:
    return _Current()


def colours() -> Colours:
    """Return the scheme that is in use."""
    return _current().colours


def colour(role: str) -> str:
    """Return a colour of the scheme that is in use; `role` is a field of Colours."""
    return str(getattr(colours(), role))


class _Dresser(QObject):
    """Dresses what it belongs to; ends with it."""

    dress: Callable[[Any], object]

    @Slot()
    def again(self) -> None:
        """Dress it in the scheme that is in use now."""
        self.dress(self.parent())


Owner = TypeVar("Owner", bound=QObject)


def follow(owner: Owner, dress: Callable[[Owner], object]) -> None:
    """Have `dress(owner)` done now and at each change of the scheme, as long as the owner lives.

    It takes the place of what was given for this owner before. What is painted, and what the style sheet says, follows
    by itself: this is for icons and pictures.
    """
    dresser = owner.findChild(_Dresser, options=Qt.FindChildOption.FindDirectChildrenOnly)
    if dresser is None:
        dresser = _Dresser(owner)
        _current().changed.connect(dresser.again)
    dresser.dress = dress
    dress(owner)


def mixed(ground: str, colour: str, share: float) -> QColor:
    """Return a colour laid thinly over a ground, as an opaque one."""
    below, above = QColor(ground), QColor(colour)
    parts = zip(below.getRgb()[:3], above.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(b + (a - b) * share) for b, a in parts))


#: A target's state to its colour.
_STATES = {"connected": "good", "connecting": "busy", "disconnecting": "busy", "lost": "warning"}


def state_colour(state: str) -> str:
    """Return the colour of a target's state."""
    return colour(_STATES.get(state, "muted"))


def start(app: QApplication, *, dark: bool | None = None) -> None:
    """Give the application its look; `dark` None follows the desktop, now and while it runs."""
    if dark is None:
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(lambda scheme: apply(app, dark=scheme is Qt.ColorScheme.Dark))
        dark = _is_dark(hints.colorScheme(), app.palette())
    apply(app, dark=dark)


def _is_dark(scheme: Qt.ColorScheme, palette: QPalette) -> bool:
    """Whether the desktop is dark; one that does not say so (an older KDE) is known by its own colours."""
    if scheme is not Qt.ColorScheme.Unknown:
        return scheme is Qt.ColorScheme.Dark
    return palette.window().color().lightness() < palette.windowText().color().lightness()


def apply(app: QApplication, *, dark: bool) -> None:
    """Show everything there is in a scheme."""
    current, wanted = _current(), DARK if dark else LIGHT
    sheet = style_sheet(wanted)
    if current.colours is wanted and app.styleSheet() == sheet:
        return  # every widget that there is would be dressed anew
    current.colours = wanted
    icon.cache_clear()
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    if QGuiApplication.platformName() in {"offscreen", "minimal"}:
        _plain_font(app)
    app.setPalette(_palette(wanted))
    app.setStyleSheet(sheet)
    current.changed.emit()


def _plain_font(app: QApplication) -> None:
    """Choose a font where no desktop does."""
    families = QFontDatabase.families()
    for family in ("Noto Sans", "Cantarell", "DejaVu Sans"):
        if family in families:
            app.setFont(QFont(family, 10))
            return


def _palette(c: Colours) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for name, value in (
        (role.Window, c.window), (role.WindowText, c.text), (role.Base, c.base), (role.AlternateBase, c.window),
        (role.Text, c.text), (role.Button, c.raised), (role.ButtonText, c.text), (role.BrightText, c.bad),
        (role.Highlight, c.accent), (role.HighlightedText, c.on_accent), (role.ToolTipBase, c.raised),
        (role.ToolTipText, c.text), (role.PlaceholderText, c.muted), (role.Link, c.accent), (role.Mid, c.border),
        (role.Midlight, c.hover), (role.Dark, c.border), (role.Light, c.raised), (role.Shadow, c.border),
    ):  # fmt: skip
        palette.setColor(name, QColor(value))
    for name in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(c.muted))
    return palette


#: Pictures that the style sheet draws, which knows no icon in a colour of the scheme: a file for each scheme.
PICTURES = ("chevron-up", "chevron-down", "checked")


def style_sheet(c: Colours) -> str:
    """Return the style sheet in a scheme."""
    ours = resources.files(__package__)
    scheme = "dark" if c is DARK else "light"
    pictures = {name.replace("-", "_"): str(ours.joinpath("icons", f"{name}-{scheme}.svg")) for name in PICTURES}
    return Template(ours.joinpath("style.qss").read_text("utf-8")).substitute(asdict(c), **pictures)


@cache
def _svg(name: str) -> str:
    return resources.files(__package__).joinpath("icons", f"{name}.svg").read_text("utf-8")


def pixmap(name: str, size: int, colour: str, ratio: float = 1.0, gap: int = 0) -> QPixmap:
    """Draw an icon of ours in a colour, with a gap behind it."""
    made = QPixmap(round((size + gap) * ratio), round(size * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    renderer = QSvgRenderer(QByteArray(_svg(name).replace("currentColor", colour).encode()))
    mirrored = QGuiApplication.layoutDirection() is Qt.LayoutDirection.RightToLeft
    renderer.render(painter, QRectF(gap if mirrored else 0, 0, size, size))
    painter.end()
    return made


@cache
def icon(name: str, role: str = "text", gap: int = 0) -> QIcon:
    """Return an icon of ours in a colour of the scheme; greyed when disabled. `gap`: room before a text."""
    made = QIcon()
    for size in (16, 20, 24, 32, 48, 64):
        for ratio in (1.0, 2.0):
            made.addPixmap(pixmap(name, size, colour(role), ratio, gap))
            made.addPixmap(pixmap(name, size, colours().muted, ratio, gap), QIcon.Mode.Disabled)
            made.addPixmap(pixmap(name, size, colour(role), ratio, gap), QIcon.Mode.Selected)
    return made
