# SPDX-License-Identifier: Apache-2.0
"""Colours, fonts and icons, light and dark. The only place where a colour is written down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, Qt
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


class _Current:
    colours = LIGHT


def colours() -> Colours:
    """Return the scheme that is in use."""
    return _Current.colours


def mixed(ground: str, colour: str, share: float) -> QColor:
    """Return a colour laid thinly over a ground, as an opaque one."""
    below, above = QColor(ground), QColor(colour)
    parts = zip(below.getRgb()[:3], above.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(b + (a - b) * share) for b, a in parts))


def state_colour(state: str) -> str:
    """Return the colour of a target's state."""
    now = colours()
    return {"connected": now.good, "connecting": now.busy, "disconnecting": now.busy, "lost": now.warning}.get(
        state, now.muted
    )


def apply(app: QApplication, *, dark: bool | None = None) -> None:
    """Give the application its look; `dark` None follows the desktop."""
    if dark is None:
        dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    wanted = DARK if dark else LIGHT
    if _Current.colours is wanted and app.styleSheet() == _sheet(wanted):
        return  # every widget that there is would be dressed anew
    _Current.colours = wanted
    icon.cache_clear()
    app.setStyle("Fusion")
    if QGuiApplication.platformName() in {"offscreen", "minimal"}:
        _plain_font(app)
    app.setPalette(_palette(colours()))
    app.setStyleSheet(_sheet(colours()))


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


def _drawn(name: str, c: Colours) -> str:
    """Return the path of a picture for the style sheet, which draws no icon in a colour of the scheme."""
    return str(resources.files(__package__).joinpath("icons", f"{name}-{'dark' if c is DARK else 'light'}.svg"))


def _sheet(c: Colours) -> str:
    up, down, checked = (_drawn(name, c) for name in ("chevron-up", "chevron-down", "checked"))
    return f"""
QToolTip {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.border}; padding: 4px 6px; }}
QPushButton {{
    background: {c.raised}; color: {c.text}; border: 1px solid {c.border}; border-radius: 6px; padding: 6px 14px;
}}
QPushButton:hover {{ background: {c.hover}; }}
QPushButton:pressed {{ background: {c.selected}; }}
QPushButton:focus, QToolButton:focus {{ border: 2px solid {c.accent}; padding: 5px 13px; }}
QPushButton:disabled {{ color: {c.muted}; background: {c.window}; }}
QPushButton[primary="true"] {{ background: {c.accent}; color: {c.on_accent}; border-color: {c.accent};
    font-weight: 600; }}
QPushButton[primary="true"]:hover {{ border-color: {c.text}; }}
QPushButton[primary="true"]:focus {{ border: 2px solid {c.text}; }}
QPushButton[primary="true"]:disabled {{ background: {c.border}; color: {c.muted}; border-color: {c.border}; }}
QPushButton::menu-indicator {{ image: none; width: 0; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 5px; }}
QToolButton:hover {{ background: {c.hover}; }}
QToolButton:focus {{ padding: 4px; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QLineEdit {{ background: {c.base}; border: 1px solid {c.border}; border-radius: 6px; padding: 6px 8px;
    selection-background-color: {c.accent}; selection-color: {c.on_accent}; }}
QLineEdit:focus {{ border: 2px solid {c.accent}; padding: 5px 7px; }}
QComboBox, QSpinBox {{ background: {c.base}; color: {c.text}; border: 1px solid {c.border}; border-radius: 6px;
    padding: 5px 14px 5px 8px; selection-background-color: {c.accent}; selection-color: {c.on_accent}; }}
QComboBox:focus, QSpinBox:focus {{ border: 2px solid {c.accent}; padding: 4px 13px 4px 7px; }}
QComboBox:disabled, QSpinBox:disabled, QLineEdit:disabled {{ color: {c.muted}; background: {c.window}; }}
QComboBox::drop-down {{ border: 0; width: 26px; subcontrol-position: center right; }}
QComboBox::down-arrow {{ image: url({down}); width: 14px; height: 14px; }}
QSpinBox QLineEdit, QSpinBox QLineEdit:focus {{ border: 0; padding: 0; background: transparent; }}
QSpinBox::up-button, QSpinBox::down-button {{ border: 0; width: 22px; background: transparent; }}
QSpinBox::up-button:hover, QSpinBox::down-button:hover {{ background: {c.hover}; border-radius: 4px; }}
QSpinBox::up-arrow {{ image: url({up}); width: 12px; height: 12px; }}
QSpinBox::down-arrow {{ image: url({down}); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.border};
    selection-background-color: {c.selected}; selection-color: {c.text}; }}
QScrollArea {{ background: transparent; border: 0; }}
#bar {{ background: {c.window}; border: 0; border-top: 1px solid {c.border}; }}
QCheckBox {{ spacing: 8px; }}
QCheckBox::indicator {{ width: 16px; height: 16px; border: 1px solid {c.muted}; border-radius: 4px;
    background: {c.base}; }}
QCheckBox::indicator:checked {{ background: {c.accent}; border-color: {c.accent}; image: url({checked}); }}
QCheckBox::indicator:disabled {{ border-color: {c.border}; background: {c.window}; }}
QCheckBox:focus {{ outline: 0; }}
QCheckBox::indicator:focus {{ border: 2px solid {c.text}; }}
QTabWidget::pane {{ border: 0; border-top: 1px solid {c.border}; }}
QTabWidget::tab-bar {{ left: 14px; }}
QTabBar {{ qproperty-drawBase: 0; }}
QTabBar::tab {{ background: transparent; color: {c.muted}; padding: 9px 12px; margin-right: 2px;
    border-bottom: 3px solid transparent; }}
QTabBar::tab:hover {{ color: {c.text}; }}
QTabBar::tab:selected {{ color: {c.text}; border-bottom: 3px solid {c.accent}; font-weight: 600; }}
QTabBar:focus {{ outline: 0; }}
QTabBar::tab:selected:focus {{ background: {c.hover}; border-radius: 4px; }}
QTableView, QTreeView, QListView {{ background: {c.base}; border: 1px solid {c.border}; border-radius: 8px;
    gridline-color: {c.border}; outline: 0; }}
QTableView:focus, QTreeView:focus, QListView:focus {{ border: 1px solid {c.accent}; }}
QTreeView::item {{ padding: 4px 2px; }}
#events::item {{ padding: 0 10px; border-bottom: 1px solid {c.hover}; }}
#events QHeaderView::section {{ padding-left: 13px; }}
QMessageBox QLabel#qt_msgbox_informativelabel, QMessageBox QLabel#qt_msgbox_label {{ min-width: 20em; }}
#events::item:selected, QTreeView::item:selected {{ background: {c.selected}; color: {c.text}; }}
QHeaderView {{ background: transparent; border: 0; }}
QHeaderView::section {{ background: transparent; color: {c.muted}; border: 0; border-bottom: 1px solid {c.border};
    padding: 7px 10px; }}
#sidebar {{ background: {c.window}; border: 0; border-right: 1px solid {c.border}; }}
#targets {{ background: transparent; border: 0; }}
#content {{ background: {c.base}; }}
#footer {{ color: {c.muted}; }}
QLabel[role="title"] {{ font-size: 17pt; font-weight: 600; }}
QLabel[role="heading"] {{ font-size: 13pt; font-weight: 600; }}
QLabel[role="strong"] {{ font-weight: 600; }}
QLabel[role="muted"] {{ color: {c.muted}; }}
QLabel[role="error"] {{ color: {c.bad}; }}
QLabel[role="figure"] {{ font-size: 15pt; font-weight: 600; }}
#banner[side="bad"] {{ background: {c.bad_ground}; border: 1px solid {c.bad}; border-radius: 8px; }}
#banner[side="good"] {{ background: {c.good_ground}; border: 1px solid {c.good}; border-radius: 8px; }}
#banner[side="warning"] {{ background: {c.warning_ground}; border: 1px solid {c.warning}; border-radius: 8px; }}
#card {{ background: {c.base}; border: 1px solid {c.border}; border-radius: 8px; }}
#code {{ background: {c.window}; border: 1px solid {c.border}; border-radius: 6px; padding: 7px 9px;
    font-family: monospace; }}
QProgressBar {{ background: {c.hover}; border: 0; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {c.accent}; border-radius: 2px; }}
QSplitter::handle {{ background: {c.border}; width: 1px; }}
QScrollBar:vertical {{ background: transparent; width: 11px; margin: 2px; }}
QScrollBar::handle:vertical {{ background: {c.border}; border-radius: 3px; min-height: 28px; }}
QScrollBar::handle:vertical:hover {{ background: {c.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 11px; margin: 2px; }}
QScrollBar::handle:horizontal {{ background: {c.border}; border-radius: 3px; min-width: 28px; }}
QMenu {{ background: {c.raised}; border: 1px solid {c.border}; padding: 4px; }}
QMenu::item {{ padding: 6px 22px 6px 10px; border-radius: 4px; }}
QMenu::item:selected {{ background: {c.selected}; color: {c.text}; }}
QMenu::item:disabled {{ color: {c.muted}; }}
QMenu::separator {{ height: 1px; background: {c.border}; margin: 4px 6px; }}
"""


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
def icon(name: str, colour: str = "", gap: int = 0) -> QIcon:
    """Return an icon of ours in the text's colour, or another; greyed when disabled. `gap`: room before a text."""
    made = QIcon()
    for size in (16, 20, 24, 32, 48, 64):
        for ratio in (1.0, 2.0):
            made.addPixmap(pixmap(name, size, colour or colours().text, ratio, gap))
            made.addPixmap(pixmap(name, size, colours().muted, ratio, gap), QIcon.Mode.Disabled)
            made.addPixmap(pixmap(name, size, colour or colours().text, ratio, gap), QIcon.Mode.Selected)
    return made
