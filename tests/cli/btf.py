#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes BTF to standard output: btf.py FUNCTION... -- MEMBER...

A function of each name, and struct sched_ext_ops with these members (none:
no such structure).
"""
import struct
import sys

KIND_STRUCT, KIND_FUNC, KIND_FUNC_PROTO, KIND_INT = 4, 12, 13, 1

at = sys.argv.index("--")
functions, members = sys.argv[1:at], sys.argv[at + 1 :]
strings = b"\0"
types = b""


def name(s):
    global strings
    offset = len(strings)
    strings += s.encode() + b"\0"
    return offset


def add(s, kind, n, third, rest=b""):
    global types
    types += struct.pack("<III", name(s) if s else 0, kind << 24 | n, third)
    types += rest


add("int", KIND_INT, 0, 4, struct.pack("<I", 32))
add("", KIND_FUNC_PROTO, 0, 1)
for f in functions:
    add(f, KIND_FUNC, 1, 2)
if members:
    rows = b"".join(
        struct.pack("<III", name(m), 1, 32 * i) for i, m in enumerate(members)
    )
    add("sched_ext_ops", KIND_STRUCT, len(members), 4 * len(members), rows)
header = struct.pack(
    "<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings)
)
sys.stdout.buffer.write(header + types + strings)
