# SPDX-License-Identifier: GPL-2.0-or-later
"""model_make.py BIAS [FEATURE WEIGHT]...: a linear model of bursts alone, in
powers of two, as a file on standard output.  Feature 1 with weight 1 is the
exponential average itself."""
import hashlib
import struct
import sys

FEATURES, ROOM, TREES, TARGETS = 24, 32, 20, 3
LINEAR = 1

bias = float(sys.argv[1])
weights = [0] * ROOM
for i in range(2, len(sys.argv), 2):
    weights[int(sys.argv[i])] = round(float(sys.argv[i + 1]) * (1 << 20))
part = struct.pack('<2I i 3I', LINEAR, 0, round(bias * 256 * 256), 0, 0, 0)
part += struct.pack('<%di' % ROOM, *weights) + bytes(TREES * 128)
model = struct.pack('<4s3I', b'SFOR', 1, 1, FEATURES)
model += part + bytes((TARGETS - 1) * len(part))
digest = hashlib.sha256(model).hexdigest()
sys.stdout.buffer.write(model + digest.encode() + b'\n')
