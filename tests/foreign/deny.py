# SPDX-License-Identifier: GPL-2.0-or-later
"""deny.py CALL... -- COMMAND: runs it where these system calls are refused
(EPERM), whoever it is, as a container's filter does."""
import ctypes
import errno
import os
import sys

ALLOW = 0x7fff0000
REFUSE = 0x00050000 | errno.EPERM

at = sys.argv.index('--')
lib = ctypes.CDLL('libseccomp.so.2', use_errno=True)
lib.seccomp_init.restype = ctypes.c_void_p
lib.seccomp_init.argtypes = [ctypes.c_uint32]
lib.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32,
                                 ctypes.c_int, ctypes.c_uint]
lib.seccomp_load.argtypes = [ctypes.c_void_p]
rules = lib.seccomp_init(ALLOW)
for name in sys.argv[1:at]:
    call = lib.seccomp_syscall_resolve_name(name.encode())
    if call < 0 or lib.seccomp_rule_add(rules, REFUSE, call, 0):
        sys.exit('deny.py: cannot refuse ' + name)
if lib.seccomp_load(rules):
    sys.exit('deny.py: no filter')
os.execvp(sys.argv[at + 1], sys.argv[at + 1:])
