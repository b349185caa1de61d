# SPDX-License-Identifier: GPL-2.0-or-later
"""One system call of a command fails, and it is known which.

A filter of seccomp asks this process about each call of the command and of
what it starts; it counts those that our own programs make from main() on.
Nothing is traced, so that programs that trace, sanitizers and sandboxes work
as ever."""
import ctypes
import errno
import fcntl
import mmap
import os
import re
import select
import signal
import struct
import time

libc = ctypes.CDLL(None, use_errno=True)
try:
    libseccomp = ctypes.CDLL('libseccomp.so.2')
except OSError:
    libseccomp = None       # has the numbers of all calls
SECCOMP = 317

AUDIT_ARCH_X86_64 = 0xc000003e
ALLOW, ASK = 0x7fff0000, 0x7fc00000
# The filter's listener; a call asked about waits for the answer, and is not
# made once more because of a signal.
NEW_LISTENER, WAIT_KILLABLE = 1 << 3, 1 << 5
RECEIVE, SEND = 0xc0502100, 0xc0182101
# Whoever waits goes on where the answer came from.
SET_FLAGS, SYNC_WAKE_UP = 0x40082104, 1
CONTINUE = 1
O_CREAT = os.O_CREAT
MSG_NOSIGNAL = 0x4000
DUPLICATES = (fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC)
LOCKS = (fcntl.F_SETLK, fcntl.F_SETLKW, 37, 38)

# What each call may give, in turn.  Not here: memory (lib/base/mem.h says what
# becomes of that), and what cannot fail.
ERRORS = {
    'openat': 'EMFILE EACCES', 'open': 'EMFILE EACCES',
    'read': 'EIO', 'pread64': 'EIO', 'readv': 'EIO',
    'write': 'ENOSPC EIO', 'pwrite64': 'ENOSPC EIO', 'writev': 'ENOSPC EIO',
    'fsync': 'EIO ENOSPC', 'fdatasync': 'EIO ENOSPC', 'syncfs': 'EIO',
    'ftruncate': 'ENOSPC EIO', 'fallocate': 'ENOSPC',
    'rename': 'ENOSPC EACCES', 'renameat': 'ENOSPC EACCES',
    'renameat2': 'ENOSPC EACCES', 'link': 'ENOSPC EACCES',
    'linkat': 'ENOSPC EACCES', 'symlink': 'ENOSPC', 'symlinkat': 'ENOSPC',
    'mkdir': 'ENOSPC EROFS', 'mkdirat': 'ENOSPC EROFS',
    'unlink': 'EROFS', 'unlinkat': 'EROFS',
    'chmod': 'EROFS', 'fchmod': 'EROFS', 'fchmodat': 'EROFS',
    'utimensat': 'EACCES', 'getdents64': 'EIO',
    'newfstatat': 'EACCES', 'statx': 'EACCES', 'stat': 'EACCES',
    'lstat': 'EACCES', 'access': 'EACCES', 'faccessat2': 'EACCES',
    'readlink': 'EACCES', 'readlinkat': 'EACCES', 'statfs': 'EIO',
    'chdir': 'EACCES', 'getcwd': 'ENOENT',
    'clone': 'EAGAIN', 'clone3': 'EAGAIN', 'fork': 'EAGAIN',
    'vfork': 'EAGAIN', 'execve': 'EACCES ENOMEM',
    'pipe': 'EMFILE', 'pipe2': 'EMFILE ENFILE', 'dup': 'EMFILE',
    'dup3': 'EMFILE', 'fcntl': 'EMFILE', 'flock': 'ENOLCK',
    'socket': 'EMFILE', 'socketpair': 'EMFILE', 'connect': 'ECONNREFUSED',
    'bind': 'EADDRINUSE', 'listen': 'EADDRINUSE', 'accept4': 'EMFILE',
    'accept': 'EMFILE', 'sendmsg': 'ENOBUFS', 'sendto': 'ENOBUFS',
    'recvmsg': 'ECONNRESET', 'recvfrom': 'ECONNRESET',
    'setsockopt': 'ENOMEM', 'getsockopt': 'ENOBUFS',
    'sendfile': 'EIO', 'copy_file_range': 'ENOSPC',
    'poll': 'EINTR', 'ppoll': 'EINTR', 'epoll_wait': 'EINTR',
    'epoll_pwait': 'EINTR', 'epoll_pwait2': 'EINTR', 'pselect6': 'EINTR',
    'epoll_create1': 'EMFILE ENFILE', 'epoll_ctl': 'ENOSPC ENOMEM',
    'eventfd2': 'EMFILE', 'timerfd_create': 'EMFILE', 'signalfd4': 'EMFILE',
    'inotify_init1': 'EMFILE', 'inotify_add_watch': 'ENOSPC',
    'memfd_create': 'EMFILE', 'pidfd_open': 'EMFILE',
    'pidfd_send_signal': 'EPERM', 'mmap': 'ENOMEM',
    'bpf': 'EPERM ENOMEM', 'perf_event_open': 'EACCES EMFILE',
    'landlock_create_ruleset': 'EOPNOTSUPP', 'landlock_add_rule': 'ENOMEM',
    'landlock_restrict_self': 'E2BIG', 'seccomp': 'ENOMEM',
    'unshare': 'EPERM', 'mount': 'EPERM', 'setrlimit': 'EPERM',
    'sched_setattr': 'EPERM', 'sched_setscheduler': 'EPERM',
    'setpriority': 'EACCES',
}
# Asked about for another reason: another program begins.
BEGINS = {'execve', 'execveat'}
# Calls whose first argument is a file descriptor that data goes through.
OF_DATA = {'read', 'pread64', 'readv', 'write', 'pwrite64', 'writev'}
# The second argument is a path; the first.
PATH_SECOND = {'openat', 'mkdirat', 'unlinkat', 'newfstatat', 'statx',
               'faccessat2', 'readlinkat', 'fchmodat', 'utimensat',
               'renameat', 'renameat2', 'linkat'}
PATH_FIRST = {'open', 'rename', 'link', 'symlink', 'mkdir', 'unlink',
              'chmod', 'stat', 'lstat', 'access', 'readlink', 'chdir',
              'execve', 'statfs', 'memfd_create'}
FD_FIRST = OF_DATA | {'fsync', 'fdatasync', 'ftruncate', 'fallocate',
                      'fchmod', 'getdents64', 'flock', 'connect', 'bind',
                      'listen', 'sendmsg', 'sendto', 'recvmsg', 'recvfrom',
                      'accept4', 'fcntl'}


def numbers():
    found = {}
    if not libseccomp:
        return found
    for name in sorted(set(ERRORS) | BEGINS):
        n = libseccomp.seccomp_syscall_resolve_name(name.encode())
        if n >= 0:
            found[n] = name
    return found


NAMES = numbers()


def the_filter(names):
    """The program of the filter that asks about these, and what keeps it
    alive."""
    asked = [n for n in sorted(NAMES) if NAMES[n] in names]
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, AUDIT_ARCH_X86_64),
            (0x06, 0, 0, ALLOW), (0x20, 0, 0, 0)]
    left = len(asked)
    for n in asked:
        code.append((0x15, left, 0, n))
        left -= 1
    code += [(0x06, 0, 0, ALLOW), (0x06, 0, 0, ASK)]
    text = ctypes.create_string_buffer(
        b''.join(struct.pack('HBBI', *c) for c in code))
    head = ctypes.create_string_buffer(
        struct.pack('HxxxxxxQ', len(code), ctypes.addressof(text)))
    return head, text


def link_of(path):
    try:
        return os.readlink(path)
    except OSError:
        return ''


class Call:
    """One that may be refused: whose, which, and what it is about."""
    def __init__(self, program, name, about, error):
        self.program, self.name = program, name
        self.about, self.error = about, error

    def __str__(self):
        return f'{self.program}: {self.name}({self.about}) {self.error}'


class Run:
    """A command, whose nth call of a program and a name is refused: pick is
    (program, name, n), n from 0, or None."""

    def __init__(self, ours, pick=None):
        self.ours, self.pick = ours, pick
        self.seen = {}          # (program, name): how often
        self.calls = []         # all, where none is picked
        self.hit = None
        self.known = {}         # thread: program that is in main(), or ''
        self.began = {}         # thread: where its program began
        self.checkers = {}      # thread: where a sanitizer's own calls are
        self.left = []          # command lines of what outlived it
        self.status = None      # as a shell has it; None: it hung

    # -- who asks -------------------------------------------------------

    def word(self, tid, at, size=8):
        try:
            with open(f'/proc/{tid}/mem', 'rb', 0) as f:
                f.seek(at)
                return f.read(size)
        except (OSError, ValueError, OverflowError):
            return b''

    def beginning(self, tid, exe):
        """Where the stack begins, and where the program's own code is."""
        if tid not in self.began:
            with open(f'/proc/{tid}/stat', 'rb') as f:
                stack = int(f.read().rsplit(b')', 1)[1].split()[25])
            with open(f'/proc/{tid}/maps') as f:
                self.began[tid] = (stack & ~15) - 24, [
                    [int(x, 16) for x in m.split(' ')[0].split('-')]
                    for m in f if m.rstrip().endswith(exe)]
        return self.began[tid]

    def in_main(self, tid, exe):
        """_start has called __libc_start_main: its return address is where
        the stack began, and a hlt is there.  The dynamic loader has not
        left that behind."""
        try:
            at, code = self.beginning(tid, exe)
        except (OSError, ValueError, IndexError):
            return False
        back = int.from_bytes(self.word(tid, at), 'little')
        return any(low <= back < high for low, high in code) and \
            self.word(tid, back, 1) == b'\xf4'

    def of_sanitizer(self, tid, ip):
        """A leak is looked for with calls, too."""
        if tid not in self.checkers:
            with open(f'/proc/{tid}/maps') as f:
                self.checkers[tid] = [
                    [int(x, 16) for x in m.split(' ')[0].split('-')]
                    for m in f if re.search(r'/lib(a|ub)san\.so', m)]
        return any(low <= ip < high for low, high in self.checkers[tid])

    def program(self, tid):
        if tid not in self.known:
            exe = link_of(f'/proc/{tid}/exe')
            folder, name = os.path.split(exe)
            if folder not in self.ours:
                self.known[tid] = ''
            elif self.in_main(tid, exe):
                self.known[tid] = name
            else:
                return ''
        return self.known[tid]

    # -- what it asks ---------------------------------------------------

    def text(self, tid, at):
        data = self.word(tid, at, 4096 - at % 4096) + b'\0'
        return data[:data.index(0)].decode('utf-8', 'replace')

    def ignores_pipes(self, tid):
        bit = 1 << (signal.SIGPIPE - 1)
        with open(f'/proc/{tid}/status') as f:
            for line in f:
                if line.startswith(('SigIgn:', 'SigCgt:')):
                    if int(line.split()[1], 16) & bit:
                        return True
        return False

    def of_data(self, tid, name, fd, about):
        """What moving data may give, by what it moves through."""
        reads = name in ('read', 'pread64', 'readv')
        if about.startswith('/dev/') and about[5:] in ('null', 'zero',
                                                       'urandom'):
            return None
        if about.startswith('/'):
            return ERRORS[name]
        if about.startswith('socket:'):
            return 'ECONNRESET' if reads else 'ENOBUFS'
        if about.startswith('pipe:') and not reads:
            return 'EPIPE' if self.ignores_pipes(tid) else None
        return None

    def call(self, tid, name, args):
        """A Call, or None where it is not to be refused."""
        errors, about = ERRORS[name], ''
        if name in FD_FIRST:
            fd = args[0] & 0xffffffff
            if fd == 2:
                return None
            about = link_of(f'/proc/{tid}/fd/{fd}')
            if name in OF_DATA:
                errors = self.of_data(tid, name, fd, about)
            elif name == 'fcntl':
                errors = 'EMFILE' if args[1] in DUPLICATES else \
                    'ENOLCK' if args[1] in LOCKS else None
            elif name == 'sendto' and about.startswith('socket:') and \
                    args[3] & MSG_NOSIGNAL:
                errors = 'EPIPE'
            about = f'{fd} {about}'
        elif name in PATH_SECOND:
            about = self.text(tid, args[1])
            if not about and name in ('newfstatat', 'statx'):
                return None
            if name == 'openat' and args[2] & O_CREAT:
                errors = 'ENOSPC EACCES EMFILE'
            elif name == 'openat' and args[2] & os.O_PATH:
                # A sandbox leaves out what its user cannot reach.
                errors = 'EMFILE'
        elif name in PATH_FIRST:
            about = self.text(tid, args[0])
            if name == 'open' and args[1] & O_CREAT:
                errors = 'ENOSPC EACCES EMFILE'
        elif name == 'mmap':
            fd = args[4] & 0xffffffff
            if fd == 0xffffffff:
                return None
            about = link_of(f'/proc/{tid}/fd/{fd}')
        elif name == 'bpf':
            about = str(args[0])
        elif name in ('clone', 'clone3', 'fork', 'vfork'):
            about = ''
        # Counters of a build that measures coverage.
        if about.endswith('.profraw'):
            return None
        return Call('', name, about, errors) if errors else None

    def answer(self, tid, nr, ip, args):
        """0, or the number of the error."""
        name = NAMES.get(nr, '')
        program = self.program(tid)
        if name in BEGINS:
            # The main thread takes over, whoever it was.
            for t in (tid, self.group(tid)):
                self.known.pop(t, None)
                self.checkers.pop(t, None)
                self.began.pop(t, None)
        if not program or name not in ERRORS or self.of_sanitizer(tid, ip):
            return 0
        if self.pick and self.pick[:2] != (program, name):
            return 0
        call = self.call(tid, name, args)
        if not call:
            return 0
        n = self.seen.get((program, name), 0)
        self.seen[program, name] = n + 1
        errors = call.error.split()
        call.program, call.error = program, errors[n % len(errors)]
        if not self.pick:
            self.calls.append((program, name, n, normal(call.about)))
            return 0
        if n != self.pick[2] or self.hit:
            return 0
        self.hit = call
        return getattr(errno, call.error)

    def group(self, tid):
        try:
            with open(f'/proc/{tid}/status') as f:
                for line in f:
                    if line.startswith('Tgid:'):
                        return int(line.split()[1])
        except OSError:
            pass
        return tid

    # -- the command ----------------------------------------------------

    def begin(self, argv, cwd, env, files):
        shared = mmap.mmap(-1, 4096)
        # Each question takes its time: only what has to be known.
        names = BEGINS if not self.ours else \
            BEGINS | ({self.pick[1]} if self.pick else set(ERRORS))
        head, _keep = the_filter(names)
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                os.chdir(cwd)
                for to, f in enumerate(files):
                    os.dup2(f, to)
                os.closerange(3, 1024)
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                if os.geteuid() != 0:
                    libc.prctl(38, 1, 0, 0, 0)
                fd = libc.syscall(SECCOMP, 1, NEW_LISTENER | WAIT_KILLABLE,
                                  head)
                shared[0] = fd + 2 if 0 <= fd < 250 else 1
                if fd >= 0:
                    os.execve(argv[0], argv, env)
            finally:
                os._exit(127)
        while shared[0] == 0:
            time.sleep(0.0005)
        if shared[0] == 1:
            raise OSError('no filter of seccomp that asks')
        pidfd = os.pidfd_open(pid)
        self.listener = libc.syscall(438, pidfd, shared[0] - 2, 0)
        os.close(pidfd)
        if self.listener < 0:
            raise OSError('no listener')
        libc.ioctl(self.listener, SET_FLAGS, ctypes.c_uint64(SYNC_WAKE_UP))
        return pid

    def reap(self, pid):
        """Whether the command has ended."""
        while True:
            try:
                p, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if p == 0:
                return self.status is not None
            if p == pid:
                self.status = os.WEXITSTATUS(status) \
                    if os.WIFEXITED(status) else \
                    128 + os.WTERMSIG(status)

    def descendants(self):
        found, todo = [], [os.getpid()]
        while todo:
            p = todo.pop()
            try:
                for t in os.listdir(f'/proc/{p}/task'):
                    with open(f'/proc/{p}/task/{t}/children') as f:
                        todo += (kids := [int(k) for k in f.read().split()])
                        found += kids
            except OSError:
                pass
        return found

    def end_all(self, note):
        while kids := self.descendants():
            for k in kids:
                try:
                    with open(f'/proc/{k}/cmdline', 'rb') as f:
                        words = f.read().replace(b'\0', b' ')
                    if note and words:
                        self.left.append(words.decode('utf-8', 'replace'))
                    os.kill(k, signal.SIGKILL)
                except OSError:
                    pass
            note = False
            self.reap(0)
            time.sleep(0.002)

    def run(self, argv, cwd, env, files, seconds, grace=3):
        pid = self.begin(argv, cwd, env, files)
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        notif = ctypes.create_string_buffer(80)
        until, over = time.monotonic() + seconds, False
        try:
            while time.monotonic() < until:
                ready = poll.poll(50)
                if ready and ready[0][1] & select.POLLIN:
                    self.one(notif)
                elif ready:
                    # Nobody is left whom the filter is for.
                    if self.status is None:
                        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
                        self.reap(pid)
                    break
                elif self.reap(pid) and not over:
                    over = True
                    until = min(until, time.monotonic() + grace)
            else:
                self.end_all(over)
        finally:
            self.end_all(False)
            os.close(self.listener)

    def one(self, notif):
        ctypes.memset(notif, 0, 80)
        if libc.ioctl(self.listener, RECEIVE, notif) < 0:
            return
        key, tid, _, nr, _, ip = struct.unpack_from('QIIiIQ', notif)
        args = struct.unpack_from('6Q', notif, 32)
        try:
            e = self.answer(tid, nr, ip, args)
        except OSError:
            e = 0
        answer = struct.pack('QqiI', key, 0, -e, 0 if e else CONTINUE)
        libc.ioctl(self.listener, SEND,
                   ctypes.create_string_buffer(answer, 24))


def become_parent_of_all():
    libc.prctl(36, 1, 0, 0, 0)


def normal(name):
    """A file's name without what differs from run to run."""
    name = re.sub(r'/objects/../', '/objects/#/', name)
    name = re.sub(r'/errors\.[^/]*/', '/', name)
    return re.sub(r'[0-9a-f]{6,}|[0-9]+|\.[A-Za-z0-9]{6}$', '#', name)
