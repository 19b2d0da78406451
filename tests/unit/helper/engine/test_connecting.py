# SPDX-License-Identifier: Apache-2.0
"""The way to full feature phase, on a socket pair whose other end the test speaks (RFC 7143, 6.3, 11.13)."""

import socket

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.connecting import Connecting, agreed
from lundock.helper.engine.login import ChapSecrets, LoginConfig, Secret
from lundock.helper.engine.loop import READ, WRITE, Loop
from lundock.helper.engine.names import Portal
from support.pdus import login_response, split

ONE, TWO = Portal("192.0.2.1", 3260), Portal("192.0.2.2", 3261)


class Host:
    """Wanting, and the target's hands."""

    def __init__(self, portals=(ONE,), **config):
        self.loop = Loop()
        values = {"target_name": "iqn.2026-01.example.storage:disk", "isid": b"\x80\1\2\3\4\5", **config}
        login = LoginConfig("iqn.2026-01.example.client:one", **values)
        self.connecting = Connecting(login, portals, self.loop, self)
        self.asked = []
        self.problems = []
        self.redirects = []
        self.result = None
        self.sock = None
        self._open = []

    def ask_for_connection(self, portal, why):
        self.asked.append((portal, why))

    def logged_in(self, sock, result):
        self.result = result
        self._open.append(sock)

    def not_logged_in(self, problem):
        self.problems.append(problem.code)

    def redirected(self, portal, *, permanent):
        self.redirects.append((portal, permanent))

    # -- the target --------------------------------------------------------------------------------------------
    def connect(self):
        ours, self.sock = socket.socketpair()
        self.sock.setblocking(False)
        self._open.append(self.sock)
        self.connecting.ready(ours)

    def requests(self):
        self.loop.run_once(0)
        try:
            return split(self.sock.recv(1 << 20))
        except BlockingIOError:
            return []

    def answer(self, *args, cut=1 << 20, **kwargs):
        (request,) = self.requests()
        raw = login_response(request, *args, **kwargs)
        for at in range(0, len(raw), cut):
            self.sock.send(raw[at : at + cut])
            self.loop.run_once(0)
        return request

    def log_in(self, cut=1 << 20):
        self.answer({"TargetPortalGroupTag": "1", "AuthMethod": "None"}, cut=cut)
        self.answer({"HeaderDigest": "None", "DefaultTime2Wait": "3"}, cut=cut)

    def close(self):
        self.connecting.stop()
        for sock in self._open:
            sock.close()


@pytest.fixture
def host():
    host = Host((ONE, TWO))
    yield host
    host.close()


def test_a_login(host):
    host.connecting.start("login")
    assert host.asked == [(ONE, "login")]
    assert host.connecting.busy
    host.connect()
    host.log_in(cut=7)
    assert host.result.tsih == 0x4711
    assert not host.connecting.busy
    found = agreed(host.result)
    assert (found["HeaderDigest"], found["DefaultTime2Wait"], found["MaxConnections"]) == ("None", 3, 1)
    assert host.problems == []


def test_what_comes_behind_the_login_goes_with_the_result(host):
    host.connecting.start("login")
    host.connect()
    host.answer({"TargetPortalGroupTag": "1", "AuthMethod": "None"})
    (request,) = host.requests()
    host.sock.send(login_response(request) + b"behind")
    host.loop.run_once(0)
    assert host.result.leftover == b"behind"


def test_every_attempt_begins_a_session_of_its_own(host):
    host.connecting.start("login")
    host.connect()
    host.log_in()
    host.connecting.start("reconnect")
    host.connect()
    (request,) = host.requests()
    assert (request.tsih, request.isid) == (0, b"\x80\1\2\3\4\5")


def test_portals_are_tried_in_turn(host):
    seen = []
    for _ in range(3):
        host.connecting.start("reconnect")
        host.connecting.failed(Problem("ConnectionRefused"))
        seen.append(host.connecting.portal)
        host.connecting.next_portal()
    assert seen == [ONE, TWO, ONE]
    assert host.problems == ["ConnectionRefused"] * 3


def test_an_answer_that_nobody_waits_for_any_more(host):
    host.connecting.start("login")
    host.connecting.stop()
    ours, theirs = socket.socketpair()
    with theirs:
        host.connecting.ready(ours)
        assert ours.fileno() == -1
    host.connecting.failed(Problem("ConnectionRefused"))
    assert host.problems == []
    assert not host.connecting.busy


@pytest.mark.parametrize("when", [0, 1])
def test_the_target_hangs_up(host, when):
    host.connecting.start("login")
    host.connect()
    if when:
        host.answer({"TargetPortalGroupTag": "1", "AuthMethod": "None"})
    host.sock.close()
    host.loop.run_once(0)
    assert host.problems == ["ConnectionLost"]
    assert not host.connecting.busy


def test_a_reset_is_a_lost_connection(host):
    host.connecting.start("login")
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    listener.close()
    host.connecting.ready(ours)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()
    host.loop.run_once(1)
    assert host.problems == ["ConnectionLost"]


def test_silence_ends_it(host):
    host.connecting.start("login")
    host.connect()
    deadline = host.connecting._machine.next_deadline()
    assert deadline is not None
    host.loop.now = deadline + 1
    host.connecting._on_timer()
    assert host.problems == ["Timeout"]


def test_a_timer_of_an_attempt_that_is_over_does_nothing(host):
    host.connecting.start("login")
    host.connect()
    host.log_in()
    host.connecting._on_timer()
    host.connecting._receive(1)
    assert host.problems == []


def test_a_request_that_the_socket_does_not_take_goes_out_later(host):
    host.connecting.start("login")
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    filled = 0
    ours.setblocking(False)
    try:
        while True:
            filled += ours.send(bytes(4096))
    except BlockingIOError:
        host.sock = theirs
    host._open.append(theirs)
    host.connecting.ready(ours)
    while filled:
        filled -= len(theirs.recv(min(filled, 65536)))
    host.log_in()
    assert host.result is not None


def test_a_wake_up_without_bytes_is_nothing(host):
    host.connecting.start("login")
    host.connect()
    host.connecting._receive(READ)
    host.connecting._receive(WRITE)
    assert host.problems == []
    assert len(host.requests()) == 1


def test_a_refusal_says_why(host):
    host.connecting.start("login")
    host.connect()
    host.answer(status=0x0203)
    assert host.problems == ["TargetNotFound"]


@pytest.mark.parametrize(("status", "permanent"), [(0x0101, False), (0x0102, True)])
def test_a_redirect_is_followed(host, status, permanent):
    host.connecting.start("login")
    host.connect()
    host.answer({"TargetAddress": "[2001:db8::1]:860"}, status=status)
    there = Portal("2001:db8::1", 860)
    assert host.redirects == [(there, permanent)]
    assert host.asked == [(ONE, "login"), (there, "redirect")]
    host.connect()
    host.log_in()
    assert host.result is not None
    host.connecting.next_portal()
    host.connecting.next_portal()
    assert host.connecting.portal == (there if permanent else ONE)


def test_a_place_that_it_moved_to_and_that_does_not_take_us_is_forgotten(host):
    host.connecting.start("login")
    host.connect()
    host.answer({"TargetAddress": "192.0.2.9:860"}, status=0x0102)
    host.connecting.failed(Problem("ConnectionRefused"))
    host.connecting.next_portal()
    host.connecting.next_portal()
    assert host.connecting.portal == ONE


@pytest.mark.parametrize("most", [0, 3])
def test_in_circles_is_refused(request, most):
    host = Host((ONE, TWO), settings={"max_redirects": most})
    request.addfinalizer(host.close)
    host.connecting.start("login")
    for number in range(most + 1):
        host.connect()
        host.answer({"TargetAddress": f"192.0.2.{100 + number % 2}:860"}, status=0x0101)
    assert host.problems == ["LoginRedirectLoop"]
    assert len(host.redirects) == most


def test_a_redirect_to_itself_is_refused(host):
    host.connecting.start("login")
    host.connect()
    host.answer({"TargetAddress": "192.0.2.1:3260"}, status=0x0101)
    assert host.problems == ["LoginRedirectLoop"]
    host.connecting.start("login")  # the count begins anew
    host.connect()
    host.log_in()
    assert host.result is not None


def test_another_way_to_sign_in_is_tried():
    secrets = ChapSecrets(Secret(b"0123456789ab"))
    host = Host(sign_in="chap", chap_name="me", secrets=secrets)
    host.connecting.start("login")
    host.connect()
    host.answer({"TargetPortalGroupTag": "1", "AuthMethod": "CHAP"}, t=False)
    offered = host.answer({"CHAP_A": "7", "CHAP_I": "1", "CHAP_C": "0x" + "ab" * 16}, t=False).keys["CHAP_A"]
    host.answer(status=0x0200)
    assert [why for _, why in host.asked] == ["login", "login"]
    assert host.problems == []
    host.connect()
    host.answer({"TargetPortalGroupTag": "1", "AuthMethod": "CHAP"}, t=False)
    again = host.answer({"CHAP_A": "5", "CHAP_I": "1", "CHAP_C": "0x" + "ab" * 16}, t=False).keys["CHAP_A"]
    assert again != offered
    assert set(again.split(",")) < set(offered.split(","))
    host.answer()
    host.answer()
    assert host.result is not None
    host.connecting.start("reconnect")  # what worked is kept
    host.connect()
    host.answer({"TargetPortalGroupTag": "1", "AuthMethod": "CHAP"}, t=False)
    assert host.requests()[0].keys["CHAP_A"] == again
    host.sock.close()
    host.loop.run_once(0)
    assert host.problems == ["ConnectionLost"]
    host.close()


def test_nothing_is_left_on_the_loop(host):
    host.connecting.start("login")
    host.connect()
    host.requests()
    host.connecting.stop()
    host.connecting.stop()
    host.loop.run_once(0)
    assert host.loop._callbacks == {}
