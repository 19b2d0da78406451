# SPDX-License-Identifier: Apache-2.0
"""Small pieces that several pages use: labels, buttons, the mark of a state, the banner."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QFontDatabase,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...helper.api.errors import Problem
from .. import text
from ..words import tr
from . import theme


def label(words: str = "", role: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """Return a label; `role` is one of the style sheet's: title, heading, muted, error, figure."""
    made = QLabel(words)
    made.setTextFormat(Qt.TextFormat.PlainText)  # names come from targets
    made.setAlignment(leading())
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    if selectable:
        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return made


def leading() -> Qt.AlignmentFlag:
    """Return where lines begin in the person's language: a label alone would look at its own text, and a foreign name
    would stand at the other side."""
    mirrored = QGuiApplication.layoutDirection() is Qt.LayoutDirection.RightToLeft
    side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter


def button(words: str, clicked: Callable[[], object], *, icon: str = "", primary: bool = False) -> QPushButton:
    """Return a push button."""
    made = QPushButton(words)
    made.setAccessibleName(words.replace("&", ""))
    made.clicked.connect(lambda _checked=False: clicked())
    if icon:
        set_icon(made, icon, primary=primary)
    if primary:
        made.setProperty("primary", "true")
    return made


def stress(control: QPushButton, what: str, *, on: bool) -> None:
    """Draw a button as "primary", the one that goes on, or as "danger", one that cannot be undone; or as any other."""
    value = "true" if on else "false"
    if control.property(what) != value:
        control.setProperty(what, value)
        control.style().unpolish(control)
        control.style().polish(control)


def name_button(control: QPushButton, words: str) -> None:
    """Give a button another text, and the same as its name."""
    control.setText(words)
    control.setAccessibleName(words.replace("&", ""))


def set_icon(control: QPushButton, icon: str, *, primary: bool = False) -> None:
    """Put an icon before a button's text."""
    gap = 5
    role = "on_accent" if primary else "text"
    theme.follow(control, lambda control: control.setIcon(theme.icon(icon, role, gap)))
    control.setIconSize(QSize(16 + gap, 16))


def show_picture(place: QLabel, icon: str, size: int, role: str = "muted") -> None:
    """Show one of our icons in a label, in a colour of the scheme."""
    theme.follow(place, lambda place: place.setPixmap(theme.pixmap(icon, size, theme.colour(role), 2.0)))


def give_icon(action: QAction, icon: str) -> None:
    """Put an icon before an action's text in a menu."""
    theme.follow(action, lambda action: action.setIcon(theme.icon(icon)))


def picture(icon: str, size: int, role: str = "muted") -> QLabel:
    """Return a label that shows one of our icons."""
    made = QLabel()
    show_picture(made, icon, size, role)
    return made


def tool(icon: str, words: str, clicked: Callable[[], object] | None = None) -> QToolButton:
    """Return a button with an icon only; its words are its name and tip."""
    made = QToolButton()
    theme.follow(made, lambda made: made.setIcon(theme.icon(icon)))
    made.setIconSize(QSize(20, 20))
    made.setToolTip(words)
    made.setAccessibleName(words)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if clicked is not None:
        made.clicked.connect(lambda _checked=False: clicked())
    return made


def clearable(field: QLineEdit, words: str) -> None:
    """Give a field a button that empties it; its words are the button's name and tip (Qt gives it none)."""
    field.setClearButtonEnabled(True)
    for one in field.findChildren(QAction):
        one.setText(words)


def spaced(layout: QLayout, margin: int = 0, spacing: int = 8) -> None:
    """Give a layout its margin and spacing."""
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(spacing)


def row_of(*widgets: QWidget, spacing: int = 8, stretch: QWidget | None = None) -> QWidget:
    """Return widgets in a row; one of them may take the room that is left."""
    made = QWidget()
    row = QHBoxLayout(made)
    spaced(row, 0, spacing)
    for widget in widgets:
        row.addWidget(widget, 1 if widget is stretch else 0)
    return made


def clear(layout: QLayout) -> None:
    """Take everything out of a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)


class Fitting(QObject):
    """Keeps a window so large that everything in it can be read: Qt alone lets wrapped texts run into each other."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._least = window.minimumSize()
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look again when something in it, or its width, has changed."""
        if watched is self._window and event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.Resize}:
            self._fit()
        return super().eventFilter(watched, event)

    def room(self) -> QSize:
        """Return how large it may become: as the screen."""
        return self._window.screen().availableGeometry().size()

    def _fit(self) -> None:
        layout = self._window.layout()
        if layout is None:
            return
        least = layout.totalMinimumSize().expandedTo(self._least)
        width = max(least.width(), self._window.width())
        wanted = QSize(least.width(), max(layout.totalHeightForWidth(width), least.height()))
        wanted = wanted.boundedTo(self.room()).expandedTo(self._least)
        if wanted != self._window.minimumSize():
            self._window.setMinimumSize(wanted)


def dress_question(box: QMessageBox, icon: str) -> None:
    """Give a question our icon, room for its words, and names for its buttons."""
    box.setTextFormat(Qt.TextFormat.PlainText)
    theme.follow(box, lambda box: box.setIconPixmap(theme.pixmap(icon, 40, theme.colours().muted, 2.0)))
    for control in box.buttons():
        control.setAccessibleName(control.text().replace("&", ""))


def copy(words: str) -> None:
    """Put text on the clipboard."""
    QGuiApplication.clipboard().setText(words)


class Tick(QCheckBox):
    """A box to tick, with `words` as a widget of their own: they take as many lines as they need."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = label(words, wrap=True)
        self.words.installEventFilter(self)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click on the words is one on the box."""
        if watched is self.words and event.type() == QEvent.Type.MouseButtonRelease and self.isEnabled():
            self.click()
        return super().eventFilter(watched, event)


class Choice(QComboBox):
    """A list of choices that gives way in a narrow window; its name, and all of what is chosen, stand in the tip."""

    def __init__(self, name: str, least: int = 6) -> None:
        super().__init__()
        self._name = name
        self.setAccessibleName(name)
        self.setAccessibleDescription(name)  # on X and Wayland Qt gives what is chosen as the name
        self.view().setAccessibleName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * least + 50)
        self.currentTextChanged.connect(lambda _words: self.tell())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it; what has no room ends in …."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self).width()
        option.currentText = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def tell(self) -> None:
        """Bring the tip up to date, after changes that were made with signals blocked."""
        self.setToolTip(f"{self._name}: {self.currentText()}")


class Elided(QLabel):
    """A label of one line that ends in … when there is no room; all of it stands in the tip."""

    def __init__(self, words: str = "", role: str = "") -> None:
        super().__init__()
        self._words = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(leading())
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if role:
            self.setProperty("role", role)
        self.setText(words)

    def setText(self, words: str) -> None:
        """Set the whole text."""
        if words == self._words:
            return
        self._words = words
        self.setToolTip(words)
        self.setAccessibleName(words)
        self._fit()

    def words(self) -> str:
        """Return the whole text."""
        return self._words

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the text anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        fitted = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, max(self.width(), 20))
        super().setText(fitted)


def paint_state(painter: QPainter, rect: QRectF, state: str) -> None:
    """Draw a state's mark: a shape of its own for each, so that colour is never alone.

    Connected is a full disc, busy a ring with a gap, lost a triangle, anything else an empty ring.
    """
    colour = QColor(theme.state_colour(state))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    side = min(rect.width(), rect.height())
    square = QRectF(rect.center().x() - side / 2, rect.center().y() - side / 2, side, side).adjusted(1, 1, -1, -1)
    if state == "connected":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(square)
    elif state == "lost":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        top = QPointF(square.center().x(), square.top())
        painter.drawPolygon(QPolygonF([top, square.bottomRight(), square.bottomLeft()]))
    else:
        painter.setPen(QPen(colour, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inner = square.adjusted(1, 1, -1, -1)
        if state in {"connecting", "disconnecting"}:
            painter.drawArc(inner, 40 * 16, 280 * 16)
        else:
            painter.drawEllipse(inner)
    painter.restore()


class StateMark(QWidget):
    """A state's mark as a widget; its state in words is its accessible name."""

    def __init__(self, size: int = 14) -> None:
        super().__init__()
        self._state = ""
        self.setFixedSize(size, size)
        self.setAccessibleName(tr("State"))

    def set_state(self, state: str) -> None:
        """Show another state."""
        self._state = state
        self.setAccessibleName(text.state(state))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint_state(painter, QRectF(self.rect()), self._state)
        painter.end()


class Banner(QFrame):
    """What happened, what it means, what to do; one button that does it; Details with the code, to copy."""

    acted = Signal()
    asked_why = Signal()
    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self._problem: Problem | None = None
        self._mark = QLabel()
        self._summary = label("", "heading", wrap=True)
        self._meaning = label("", wrap=True)
        self._action = label("", wrap=True)
        self._code = label("", "muted", wrap=True, selectable=True)
        self._code.hide()
        self._name = Code(tip=tr("Copy this computer's iSCSI name"))
        self._act = button(tr("Try again"), self.acted.emit)
        self._why = button(tr("Find out why …"), self.asked_why.emit)
        self._why.hide()
        self._details = button(tr("Details"), self._toggle)
        self._details.setCheckable(True)
        self._copy = button(tr("Copy report"), self._copy_report)
        self._close = tool("close", tr("Dismiss"), self.dismissed.emit)
        self._build()
        self.hide()

    def _build(self) -> None:
        row = QHBoxLayout(self)
        spaced(row, 12, 12)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        spaced(words, 0, 3)
        for widget in (self._summary, self._meaning, self._action, self._name):
            words.addWidget(widget)
        buttons = QHBoxLayout()
        spaced(buttons, 0, 8)
        for control in (self._act, self._why, self._details):
            buttons.addWidget(control)
        buttons.addStretch()
        words.addSpacing(5)
        words.addLayout(buttons)
        words.addWidget(self._code)
        words.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignLeading)
        row.addLayout(words, 1)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)

    def show_problem(self, problem: Problem | None, action: str = "", *, mild: bool = False, why: bool = False) -> None:
        """Show a problem, or nothing. `action` is the button's text; without one there is no button.

        `why`: a diagnosis is offered (`asked_why`).
        """
        self._problem = problem
        self.setVisible(problem is not None)
        if problem is None:
            return
        info = text.explain(_pointing_below(problem))
        self._details.setChecked(False)
        self._toggle()
        self._name.set_command(str(problem.attrs.get("initiator_name", "")))
        self.setProperty("side", "warning" if mild else "bad")
        self.style().unpolish(self)
        self.style().polish(self)
        show_picture(self._mark, *(("warning", 24, "warning") if mild else ("error", 24, "bad")))
        self._summary.setText(info.summary)
        self._meaning.setText(info.meaning)
        self._meaning.setVisible(bool(info.meaning))
        self._action.setText(info.action)
        attributes = ", ".join(f"{key}: {value}" for key, value in problem.attrs.items())
        self._code.setText(f"{problem.code}{' (' + attributes + ')' if attributes else ''}")
        self._act.setText(action)
        self._act.setAccessibleName(action or tr("Try again"))
        self._act.setVisible(bool(action))
        self._why.setVisible(why)
        self.setAccessibleName(tr("Problem: {summary}").format(summary=info.summary))

    @property
    def problem(self) -> Problem | None:
        """What is shown."""
        return self._problem

    def _toggle(self) -> None:
        for widget in (self._code, self._copy):
            widget.setVisible(self._details.isChecked())

    def _copy_report(self) -> None:
        if self._problem is None:
            return
        info = text.explain(self._problem)
        attributes = "\n".join(f"  {key}: {value}" for key, value in self._problem.attrs.items())
        copy(f"{info.summary}\n{info.meaning}\n{info.action}\nCode: {self._problem.code}\n{attributes}\n")


def _pointing_below(problem: Problem) -> Problem:
    """Return a problem whose sentences do not repeat this computer's name: it stands below them, to be copied."""
    if not problem.attrs.get("initiator_name"):
        return problem
    return Problem(problem.code, **(problem.attrs | {"initiator_name": tr("see below")}))


class Message(QWidget):
    """A page with an icon, a heading, a sentence and a button: empty and missing states."""

    def __init__(self, icon: str, heading: str, sentence: str) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        spaced(layout, 32, 10)
        self._mark = picture(icon, 64)
        self.heading = label(heading, "title", wrap=True)
        self.sentence = label(sentence, "muted", wrap=True)
        layout.addStretch(2)
        for widget in (self._mark, self.heading, self.sentence):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(self._mark)
        layout.addWidget(self.heading)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.sentence, 5)
        middle.addStretch(1)
        layout.addLayout(middle)
        self._buttons = QVBoxLayout()
        self._buttons.setSpacing(14)
        layout.addSpacing(10)
        layout.addLayout(self._buttons)
        layout.addStretch(3)

    def add(self, control: QWidget) -> None:
        """Add a button, or what belongs below the sentence."""
        self._buttons.addWidget(control, 0, Qt.AlignmentFlag.AlignHCenter)


class Code(QFrame):
    """A command to type, with a button that copies it."""

    def __init__(self, command: str = "", tip: str = "") -> None:
        super().__init__()
        row = QHBoxLayout(self)
        spaced(row, 0, 6)
        self._words = label(command, selectable=True)
        self._words.setObjectName("code")
        self._words.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        row.addWidget(self._words)
        row.addWidget(tool("copy", tip or tr("Copy the command"), lambda: copy(self._words.text())))
        row.addStretch()
        self.set_command(command)

    def set_command(self, command: str) -> None:
        """Show another command, or nothing."""
        self._words.setText(command)
        self.setVisible(bool(command))
