#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a file of bursts, schedkit-bursts(5), to standard output.

    bursts_make.py alternating [COUNT]   short and long ones by turns: the last
                                         burst tells the next, an average not
    bursts_make.py noise [COUNT]         nothing tells anything
    bursts_make.py crowd [COUNT]         tasks as in alternating, eight of them,
                                         on two CPUs; COUNT of each
"""
import math
import random
import struct
import sys

MASK = (1 << 64) - 1
BLOCK = 4096
FEATURES = 24
EPOCH = 1790000000 * 10**9


def mix(h, word):
    word = word * 0x87c37b91114253d5 & MASK
    word = (word << 31 | word >> 33) & MASK
    word = word * 0x4cf5ad432745937f & MASK
    h ^= word
    h = (h << 27 | h >> 37) & MASK
    return (h * 5 + 0x52dce729) & MASK


def final(h):
    h ^= h >> 33
    h = h * 0xff51afd7ed558ccd & MASK
    h ^= h >> 33
    h = h * 0xc4ceb9fe1a85ec53 & MASK
    h ^= h >> 33
    return h or 1


def checksum(head, body):
    h = 0x9e3779b97f4a7c15
    for part in (head, body + bytes(-len(body) % 8)):
        for (word,) in struct.iter_unpack('<Q', part):
            h = mix(h, word)
    return final(h)


def number(difference):
    x = (difference << 1 ^ (difference >> 63)) & MASK
    out = bytearray()
    while x >= 0x80:
        out.append(x & 0x7f | 0x80)
        x >>= 7
    out.append(x)
    return out


def block(records):
    body = bytearray()
    for column in zip(*records):
        before = 0
        for value in column:
            body += number(value - before)
            before = value
    fields = [0x4b4c4253, len(records), len(body), 1, EPOCH, 0, 0]
    fields[-1] = checksum(struct.pack('<IIIIqQQ', *fields), bytes(body))
    return struct.pack('<IIIIqQQ', *fields) + body


def log2(ns):
    return round(256 * math.log2(ns))


def records(kind, count, tid=7):
    chance = random.Random(tid - 6)
    at, last, mean, rest = 10**9 + 10**5 * (tid - 7), 0, 0, 10**6
    for i in range(count):
        if kind != 'noise':
            run = (40000, 5000000)[(i + tid + 1) % 2] + chance.randrange(4000)
        else:
            run = 100000 + chance.randrange(100000)
        sleep = 1000000 + chance.randrange(1000000)
        x = [0] * FEATURES
        x[0] = log2(last) if last else 0
        x[1] = log2(mean) if mean else 0
        x[2] = x[1]
        x[5] = x[6] = log2(rest)
        x[20] = chance.randrange(512)
        if kind == 'crowd':
            sleep *= 5
            x[9] = 1
        yield [at, 0, 1, run, 0, sleep, tid, tid, 0, 0] + x
        last, rest = run, sleep
        mean = (3 * mean + run) // 4 if mean else run
        at += run + sleep


def main():
    kind = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    out = sys.stdout.buffer
    out.write(struct.pack('<8sIIIII9I', b'SKBURST\n', 1, 1, FEATURES, 1, 2,
                          *[0] * 9))
    tids = range(7, 15 if kind == 'crowd' else 8)
    all_of_them = [r for tid in tids for r in records(kind, count, tid)]
    # As they are over.
    all_of_them.sort(key=lambda r: r[0] + r[3] + r[5])
    for i in range(0, len(all_of_them), BLOCK):
        out.write(block(all_of_them[i:i + BLOCK]))


main()
