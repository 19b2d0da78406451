# SPDX-License-Identifier: Apache-2.0
"""The Events page: the target's timeline, the newest first."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStackedWidget, QTableView, QVBoxLayout, QWidget

from ..client import operations
from ..client.mirror import Snapshot
from ..client.objects import Target
from ..model.bridge import Bus
from ..model.events import EventsModel
from ..words import tr
from .widgets import Message, spaced


class EventsPage(QWidget):
    """Fetches the timeline when the helper is there, then takes each new entry."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus
        self._ready = False
        self._model = EventsModel(self)
        self._table = QTableView()
        self._table.setObjectName("events")
        self._table.setAccessibleName(tr("Events of this target"))
        self._table.setModel(self._model)
        self._table.setShowGrid(False)
        self._table.setTabKeyNavigation(False)
        self._table.setWordWrap(False)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 16)
        header = self._table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._table)
        self._stack.addWidget(Message("events", tr("Nothing yet"), tr("What happens to this target is kept here.")))
        layout = QVBoxLayout(self)
        spaced(layout, 16, 0)
        layout.addWidget(self._stack)
        self._clock = QTimer(self)
        self._clock.setInterval(30_000)
        self._clock.timeout.connect(self._model.tick)
        self._clock.start()
        bus.happened.connect(lambda event: self._add([event]))

    def update_page(self, snapshot: Snapshot, target: Target | None) -> None:
        """Show a target's events."""
        if snapshot.ready and not self._ready:
            since = self._model.last
            self._bus.run(lambda client: operations.events(client, since=since), self._add)
        self._ready = snapshot.ready
        if target is not None:
            self._model.show(target.name)
        self._choose_page()

    def _add(self, events: object) -> None:
        if isinstance(events, list):
            self._model.add(events)
        self._choose_page()

    def _choose_page(self) -> None:
        self._stack.setCurrentIndex(0 if self._model.rowCount() else 1)
