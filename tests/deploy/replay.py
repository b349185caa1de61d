#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is sent to the program that loads policies, kept and sent again.
#
#   replay.py keep FILE             stands in for load-policy: takes a request
#   replay.py send FILE LOADER [N]  sends it, with a bit of byte N flipped

import os
import select
import socket
import subprocess
import sys


def keep(name):
    data = b""
    while select.select([0], [], [], 3)[0]:
        more = os.read(0, 1 << 20)
        if not more:
            break
        data += more
        # It is asked first whether it could, which is no more than that.
        if data[4:8] == bytes(4):
            os.write(1, b"able\n")
            return
    with open(name, "wb") as f:
        f.write(data)
    os.write(1, b"no EIO it was kept\n")


def send(name, loader, flip=None):
    with open(name, "rb") as f:
        data = bytearray(f.read())
    if flip is not None:
        data[int(flip)] ^= 1
    here, there = socket.socketpair()
    child = subprocess.Popen([loader], stdin=there, stdout=there)
    there.close()
    try:
        here.sendall(data)
        here.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    words = here.makefile("r", errors="replace")
    print(words.readline().strip())
    for line in words:
        if line.startswith(("done", "no ")):
            print(line.strip())
    child.wait()


{"keep": keep, "send": send}[sys.argv[1]](*sys.argv[2:])
