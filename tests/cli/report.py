#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers of report.bats: documents, traces, and a reader of Perfetto's form.

report.py story [N]     a stream about one workload with N candidates
report.py hostile       one whose strings are out to break a page
report.py trace FILE    writes a trace; report.py counts FILE counts it
report.py perfetto FILE counts what a Perfetto trace has
"""
import collections
import hashlib
import json
import struct
import sys

HEADER = struct.Struct('<8sIIQQI28x')
RECORD = struct.Struct('<QQIIHBBb3x')
NAME, FORK, EXEC, EXIT, WAKE, OUT, IN, END = range(8)


# ---- documents -----------------------------------------------------------

def doc(kind, body, parents=()):
    """Prints a document, in its canonical form as long as numbers are whole."""
    text = json.dumps(body, sort_keys=True, separators=(',', ':'),
                      ensure_ascii=False)
    text = text.replace('1' + '0' * 300, '1e+300')
    ident = hashlib.sha256(text.encode()).hexdigest()
    print('{"v":1,"kind":"%s","id":"%s","parent":[%s],"by":"tests 0",'
          '"time":"2026-01-02T03:04:05Z","body":%s}' % (
              kind, ident, ','.join('"%s"' % p for p in parents), text))
    return ident


def hist(scale):
    return {'count': 30, 'sum': 30 * scale, 'max': 40 * scale, 'p50': scale,
            'p90': 8 * scale, 'p99': 30 * scale,
            'buckets': [[scale, 20], [8 * scale, 8], [32 * scale, 2]]}


def group(name, scale):
    return {'name': name, 'tasks': 3, 'run_us': 1000 * scale,
            'wait_us': 500 * scale, 'wakeups': 10, 'burst_us': hist(scale),
            'delay_us': hist(2 * scale)}


def profile(name, groups, extra=None):
    body = {'scope': 'command', 'goal': 'makespan', 'source': 'bpf',
            'target': 'vm', 'duration_us': 5000000,
            'workload': {'name': name, 'command': ['./' + name]},
            'system': {'cpus': 2, 'kernel': '6.18'}, 'groups': groups,
            'overhead': {'drops': 0}}
    body.update(extra or {})
    return doc('profile', body)


def metric(name, ratio, guard, higher=False):
    base = [100 + i for i in range(5)]
    return {'name': name, 'unit': 'ms', 'guard': guard, 'pairs': 5,
            'better': 'higher' if higher else 'lower', 'baseline': 102,
            'candidate': 102 // ratio, 'ratio': ratio,
            'ci95': [ratio - 1 if ratio > 1 else None, ratio + 1],
            'samples': {'baseline': base,
                        'candidate': [x // ratio for x in base]}}


def verdict(policy, of, workload, i, accepted, metrics, why='measured'):
    return doc('verdict', {
        'policy': policy, 'workload': workload, 'target': 'vm',
        'decision': 'accepted' if accepted else 'rejected', 'why': why,
        'kernel': '6.18', 'accelerator': 'tcg', 'metrics': metrics,
        'invalid_runs': i,
        'bound': {'name': 'wall', 'value': 20, 'gap_closed_pct': 80,
                  'ci95': [70, 90], 'samples': [19, 20, 21]},
        'stages': [{'name': 'run', 'status': 'passed', 'findings': [],
                    'seconds': 3}],
        'evidence': {'order': 'ABBA', 'seed': 1, 'runs': 10,
                     'min_effect_pct': 3, 'confirmed': True}}, [policy, of])


def story(count, name='batch'):
    of = profile(name, [group('long', 100), group('short', 3)])
    ids = [doc('policy', {'form': 'params', 'title': 'point %d' % i,
                          'why': 'because', 'uses': [],
                          'params': {'slice_us': 1000 + i}}, [of])
           for i in range(count)]
    sources = ['rule', 'neighbour', 'optimiser', 'model', 'person']
    doc('plan', {
        'profile': of, 'regime': {'saturated': True}, 'text': 'a plan',
        'evidence': [{'text': 'busy', 'value': 97}], 'seed': 1,
        'proposals': ids,
        'predictions': [{'policy': p, 'metric': 'wall', 'ratio': 2,
                         'seeds': 3} for p in ids[:3]],
        'origins': [{'policy': p, 'source': sources[i % 5]}
                    for i, p in enumerate(ids)]}, [of])
    last = None
    for i, p in enumerate(ids):
        last = verdict(p, of, name, i, i == 0,
                       [metric('wall', 3 if i == 0 else 1, False),
                        metric('p99', 1 + i % 2, True)])
    doc('note', {'text': 'a round', 'loop': {
        'run': 'run-1', 'workload': name, 'status': 'better',
        'rounds': [{'round': 1, 'guest_runs': 12, 'candidates': [
            {'policy': p, 'source': 'rule', 'measured': 2,
             'decision': 'accepted'} for p in ids[:2]], 'best_ratio': 2},
            {'round': 2, 'guest_runs': 8, 'candidates': [
                {'policy': p, 'source': 'optimiser', 'measured': 3}
                for p in ids[2:4]], 'best_ratio': 3}],
        'best': ids[0], 'best_ratio': 3,
        'spent': {'seconds': 100, 'guest_runs': 21}}})
    doc('deployment', {'policy': ids[0], 'target': 'vm', 'state': 'attached',
                       'why': 'it was accepted', 'verdict': last}, [ids[0]])


EVIL = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>',
        "'; } </style><script>", '\u202egnihtemos\u202c \u2066x\u2069',
        'a\x1b[2J\x07\x01b', '</title></svg></table>', '&lt;&amp;',
        'javascript:alert(1)', '%s%n%s', '日本語' * 50, '-->' + ']]>', '']


def hostile():
    for n, evil in enumerate(EVIL):
        of = profile(evil, [group(evil, 1), group(evil, 10 ** 14)],
                     {'notes': [evil], 'output_tail': evil,
                      'trace': {'path': '/dev/zero', 'sha256': '0' * 64,
                                'events': 1, 'drops': 0}})
        policy = doc('policy', {'form': 'params', 'title': evil, 'why': evil,
                                'uses': [], 'params': {evil: evil}}, [of])
        doc('plan', {'profile': of, 'regime': {}, 'text': evil,
                     'evidence': [{'text': evil}], 'seed': n,
                     'proposals': [policy, policy],
                     'origins': [{'policy': policy, 'source': 'model'}]},
            [of, of])
        m = metric(evil, 2, False)
        m.update(unit=evil, baseline=-10 ** 300, candidate=0,
                 samples={'baseline': [0, -1, 10 ** 300], 'candidate': []})
        empty = {'name': evil, 'unit': evil, 'guard': True, 'pairs': 0,
                 'baseline': 0, 'candidate': 0, 'ratio': -10 ** 300,
                 'ci95': [None, None]}
        verdict(policy, of, evil, n, True, [m, empty, m], evil)
        doc('note', {'text': evil, 'tags': [evil], 'loop': {
            'run': evil, 'status': 'running', 'stopped': evil,
            'workload': evil, 'rounds': [{'round': n, 'candidates': [
                {'policy': policy, 'title': evil, 'decision': evil,
                 'measured': -10 ** 300}]}]}})
        doc('deployment', {'policy': policy, 'target': 'vm',
                           'state': 'ejected', 'why': evil})
        doc('error', {'code': evil, 'text': evil})


# ---- traces --------------------------------------------------------------

def trace(path):
    records = [RECORD.pack(1000, int.from_bytes(b'job\0\0\0\0\0', 'little'),
                           pid, 0, 0, NAME, 0, 0) for pid in (1, 2, 3)]
    now = 1000
    for i in range(3000):
        now += 1000000
        pid = 1 + i % 3
        cpu = i % 2
        records.append(RECORD.pack(now, 0, pid, 0, 0, WAKE, i % 7 == 0, 0))
        records.append(RECORD.pack(now + 5000, 0, pid, 0, cpu, IN, 0, 0))
        records.append(RECORD.pack(now + 900000, 0, pid, 0, cpu, OUT,
                                   1 + i % 2, 0))
    records.append(RECORD.pack(0, 0, 0, 0, 0, END, 0, 0))
    with open(path, 'wb') as f:
        f.write(HEADER.pack(b'SKTRACE\n', 1, RECORD.size, 1000000000, 1000,
                            2))
        f.write(b''.join(records))


def counts(path):
    with open(path, 'rb') as f:
        data = f.read()[HEADER.size:]
    n = collections.Counter()
    for r in RECORD.iter_unpack(data[:len(data) // RECORD.size * RECORD.size]):
        what, flags = r[5], r[6]
        if what == END:
            break
        if what in (IN, OUT):
            n['in' if what == IN else 'out', r[2], r[4]] += 1
        elif what == WAKE and not flags & 1:
            n['wake', r[2]] += 1
    return n


def fields(data):
    """The fields of a protobuf message: (number, value)."""
    at = 0

    def varint():
        nonlocal at
        x = shift = 0
        while True:
            byte = data[at]
            at += 1
            x |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return x

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            size = varint()
            assert at + size <= len(data), 'a field is cut off'
            yield key >> 3, data[at:at + size]
            at += size
        else:
            raise ValueError('wire type %d' % (key & 7))


def perfetto(path):
    with open(path, 'rb') as f:
        data = f.read()
    n = collections.Counter()
    for number, packet in fields(data):
        assert number == 1
        bundle = dict(fields(packet))[1]
        cpu = dict(fields(bundle))[1]
        event = dict(fields(dict(fields(bundle))[2]))
        assert event[1] > 0
        if 4 in event:
            switch = dict(fields(event[4]))
            assert switch[1].decode() == ('job' if switch[2] else 'swapper')
            if switch[2]:
                n['out', switch[2], cpu] += 1
            if switch[6]:
                n['in', switch[6], cpu] += 1
        if 20 in event:
            n['wake', dict(fields(event[20]))[2]] += 1
    return n


def show(n):
    for key in sorted(n, key=str):
        print(*key, n[key])


if __name__ == '__main__':
    what, rest = sys.argv[1], sys.argv[2:]
    if what == 'story':
        story(int(rest[0]) if rest else 4, *rest[1:])
    elif what == 'hostile':
        hostile()
    elif what == 'long':
        profile('x' * int(rest[0]), [group('y' * int(rest[0]), 1)])
    elif what == 'trace':
        trace(rest[0])
    elif what == 'counts':
        show(counts(rest[0]))
    elif what == 'perfetto':
        show(perfetto(rest[0]))
