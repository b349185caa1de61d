#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints a file of bursts, schedkit-bursts(5), as a line of JSON per record.

Written from the page, not from the code that writes them.  The checksums are
not looked at.

    bursts.py [--lost] FILE

--lost: how many were lost instead, by all blocks.
"""
import json
import struct
import sys

NAMES = ["at", "identity", "cgroup", "run_ns", "wait_ns", "sleep_ns", "tid",
         "tgid", "preempted", "flags"]


def number(data, at):
    """The unsigned LEB128 at a place, and what stands behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def column(data, at, count):
    values, value = [], 0
    for _ in range(count):
        zigzag, at = number(data, at)
        value = (value + (zigzag >> 1 ^ -(zigzag & 1))) & (1 << 64) - 1
        values.append(value)
    return values, at


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def main(path, only_lost):
    data = open(path, "rb").read()
    all_lost = 0
    magic, version, _, features, clock = struct.unpack_from("<8s4I", data)
    assert (magic, version, clock) == (b"SKBURST\n", 1, 1), "the header"
    at = 64
    while at < len(data):
        magic, count, length, every, epoch, lost, _ = struct.unpack_from(
            "<4s3IqQQ", data, at)
        assert magic == b"SBLK", "a block"
        at += 40
        all_lost += lost
        end = at + length
        columns = []
        for _ in range(len(NAMES) + features):
            values, at = column(data, at, count)
            columns.append(values)
        assert at == end, "its length"
        for row in () if only_lost else zip(*columns):
            record = dict(zip(NAMES, row))
            record["every"] = every
            record["wall"] = (record["at"] + epoch) / 1e9
            record["features"] = [signed(v) for v in row[len(NAMES):]]
            print(json.dumps(record))
    if only_lost:
        print(all_lost)


main(sys.argv[-1], "--lost" in sys.argv)
