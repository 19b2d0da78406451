# SPDX-License-Identifier: Apache-2.0
"""One window for a person: a second start hands its link over to the first, and ends."""

from __future__ import annotations

import hashlib
import json
import os

from PySide6.QtCore import QObject, QStandardPaths, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

#: What is handed over is bounded.
MAX_MESSAGE = 8192
#: Milliseconds that the first one may take; it may be drawing its window.
PATIENCE = 3000


class SingleInstance(QObject):
    """`first` tells whether this program is the first; then `called` tells what later ones hand over."""

    called = Signal(str, str)  # link (or ""), activation token (or "")

    def __init__(self, where: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.RuntimeLocation)
        mark = hashlib.sha256(where.encode()).hexdigest()[:8] if where else "window"
        self._name = f"{folder}/lundock-{mark}.sock"
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def first(self, link: str = "") -> bool:
        """Whether nobody was there before us; otherwise they have got the link."""
        if self._hand_over(link):
            return False
        QLocalServer.removeServer(self._name)  # what a killed program left
        self._server.listen(self._name)
        return True

    def _hand_over(self, link: str) -> bool:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(PATIENCE):
            return False
        token = os.environ.get("XDG_ACTIVATION_TOKEN", "") or os.environ.get("DESKTOP_STARTUP_ID", "")
        socket.write(json.dumps({"link": link, "token": token}).encode() + b"\n")
        socket.flush()
        done = socket.waitForReadyRead(PATIENCE)
        socket.disconnectFromServer()
        return done

    def _on_connection(self) -> None:
        socket = self._server.nextPendingConnection()
        if socket is None:
            return
        socket.setParent(self)
        socket.readyRead.connect(lambda: self._on_message(socket))
        socket.disconnected.connect(socket.deleteLater)

    def _on_message(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > MAX_MESSAGE:
                socket.abort()
            return
        line = bytes(socket.readLine(MAX_MESSAGE).data())
        try:
            message = json.loads(line)
            link, token = str(message["link"]), str(message["token"])
        except (ValueError, KeyError, TypeError):
            socket.abort()
            return
        socket.write(b"ok\n")
        socket.flush()
        self.called.emit(link, token)

    def close(self) -> None:
        """Stop listening."""
        self._server.close()
