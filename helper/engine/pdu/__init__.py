# SPDX-License-Identifier: Apache-2.0
"""iSCSI PDUs on the wire (RFC 7143, chapter 11): `requests` are built, `responses` are parsed; `codes` is what stands
in their fields, `serial` counts. Everything of them is used as `pdu.NAME`.
"""

from __future__ import annotations

from .codes import (
    ACKNOWLEDGE,
    BHS_SIZE,
    BIDI_OVERFLOW,
    BIDI_UNDERFLOW,
    CONTINUE,
    DIGEST_SIZE,
    FINAL,
    IMMEDIATE,
    MAX_DATA_SEGMENT,
    NO_TAG,
    OPCODE_MASK,
    OVERFLOW,
    READ,
    STATUS,
    TRANSIT,
    UNDERFLOW,
    WRITE,
    AsyncEvent,
    Attribute,
    Function,
    FunctionResponse,
    LogoutReason,
    Opcode,
    RejectReason,
    Response,
    Stage,
    padded,
    padding,
)
from .requests import (
    DATA_OUT,
    LOGIN,
    LOGOUT,
    SCSI_COMMAND,
    SNACK,
    TAGGED,
    TASK_MANAGEMENT,
    data_out,
    login_request,
    logout_request,
    nop_out,
    scsi_command,
    snack_request,
    task_management,
    text_request,
)
from .responses import (
    RESPONSE,
    AnyResponse,
    AsyncMessage,
    DataIn,
    Header,
    LoginResponse,
    LogoutResponse,
    NopIn,
    R2t,
    Reject,
    ScsiResponse,
    TaskManagementResponse,
    TextResponse,
    parse,
    split_sense,
)
from .serial import (
    sn_add,
    sn_diff,
    sn_le,
    sn_lt,
)

__all__ = [
    "ACKNOWLEDGE", "BHS_SIZE", "BIDI_OVERFLOW", "BIDI_UNDERFLOW", "CONTINUE", "DATA_OUT", "DIGEST_SIZE", "FINAL",
    "IMMEDIATE", "LOGIN", "LOGOUT", "MAX_DATA_SEGMENT", "NO_TAG", "OPCODE_MASK", "OVERFLOW", "READ", "RESPONSE",
    "SCSI_COMMAND", "SNACK", "STATUS", "TAGGED", "TASK_MANAGEMENT", "TRANSIT", "UNDERFLOW", "WRITE", "AnyResponse",
    "AsyncEvent", "AsyncMessage", "Attribute", "DataIn", "Function", "FunctionResponse", "Header", "LoginResponse",
    "LogoutReason", "LogoutResponse", "NopIn", "Opcode", "R2t", "Reject", "RejectReason", "Response",
    "ScsiResponse", "Stage", "TaskManagementResponse", "TextResponse", "data_out", "login_request",
    "logout_request", "nop_out", "padded", "padding", "parse", "scsi_command", "sn_add", "sn_diff", "sn_le",
    "sn_lt", "snack_request", "split_sense", "task_management", "text_request",
]  # fmt: skip
