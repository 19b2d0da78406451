# SPDX-License-Identifier: Apache-2.0
import io

import pytest
from lundock.helper.target import pdu
from lundock.helper.target.pdu import Op, Pdu


def test_digest_of_rfc_example():
    # RFC 7143 appendix A.4: 32 bytes of zeroes
    assert pdu.digest(bytes(32)) == bytes.fromhex("aa36918a")
    assert pdu.digest(bytes(range(32))) == bytes.fromhex("4e79dd46")


def test_fields_lie_where_the_standard_draws_them():
    out = Pdu.make(
        Op.SCSI_COMMAND, immediate=True, lun=1 << 48, itt=0x01020304, edtl=0x0A0B0C0D, cmd_sn=7, exp_stat_sn=9
    )
    assert out.bhs[0] == 0x41
    assert out.bhs[8:16] == bytes([0, 1, 0, 0, 0, 0, 0, 0])
    assert out.bhs[16:32] == bytes([1, 2, 3, 4, 10, 11, 12, 13, 0, 0, 0, 7, 0, 0, 0, 9])


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("data", [False, True])
def test_packed_and_read_again(header: bool, data: bool):
    out = Pdu.make(Op.NOP_IN, b"seven77", itt=5)
    raw = out.pack(header_digest=header, data_digest=data)
    assert len(raw) == 48 + 8 + 4 * header + 4 * data
    got = pdu.read(io.BytesIO(raw), 100, header_digest=header, data_digest=data)
    assert (got.op, got.itt, bytes(got.data)) == (Op.NOP_IN, 5, b"seven77")


def test_damage_is_seen():
    raw = bytearray(Pdu.make(Op.NOP_IN, b"data").pack(header_digest=True, data_digest=True))
    raw[-1] ^= 1
    with pytest.raises(pdu.BadDigest) as data:
        pdu.read(io.BytesIO(raw), 100, header_digest=True, data_digest=True)
    assert data.value.pdu is not None
    raw[20] ^= 1
    with pytest.raises(pdu.BadDigest) as header:
        pdu.read(io.BytesIO(raw), 100, header_digest=True, data_digest=True)
    assert header.value.pdu is None


def test_too_long_is_not_read():
    raw = Pdu.make(Op.NOP_OUT, bytes(101)).pack()
    with pytest.raises(pdu.TooLong):
        pdu.read(io.BytesIO(raw), 100, header_digest=False, data_digest=False)


def test_end_in_the_middle():
    with pytest.raises(pdu.Disconnected):
        pdu.read(io.BytesIO(Pdu.make(Op.NOP_OUT, b"data").pack()[:-1]), 100, header_digest=False, data_digest=False)


def test_wrong_lengths_can_be_sent_on_purpose():
    out = Pdu.make(Op.NOP_IN, b"data", data_length=4000)
    out.keep_lengths = True
    assert out.pack()[5:8] == (4000).to_bytes(3, "big")
