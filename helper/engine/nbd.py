# SPDX-License-Identifier: Apache-2.0
"""NBD's transmission phase in numbers (NetworkBlockDevice/nbd, doc/proto.md)."""

from __future__ import annotations

import errno
from struct import Struct

REQUEST = Struct(">IHHQQI")
REPLY = Struct(">IIQ")
#: Of a request: magic, flags and type as one number; handle, offset, length.
ROW = Struct(">QQQI")
REQUEST_MAGIC = 0x25609513
REPLY_MAGIC = 0x67446698

CMD_READ, CMD_WRITE, CMD_DISC, CMD_FLUSH, CMD_TRIM, CMD_CACHE, CMD_WRITE_ZEROES = 0, 1, 2, 3, 4, 5, 6
CMD_FLAG_FUA, CMD_FLAG_NO_HOLE = 1, 2

#: What plain reads and writes begin with.
PLAIN_READ, PLAIN_WRITE = REQUEST_MAGIC << 32 | CMD_READ, REQUEST_MAGIC << 32 | CMD_WRITE

#: What NBD has numbers for; the rest is EIO.
ERRORS = frozenset({errno.EPERM, errno.EIO, errno.ENOMEM, errno.EINVAL, errno.ENOSPC, errno.EOVERFLOW, errno.ENOTSUP})
