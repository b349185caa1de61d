# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile clients by stdio, below its messages: mcp_hostile.py."""
import os
import random
import signal
import time

from mcp_client import (META, NEW, OLD, call, code_of, message, meta, text_of,
                        want)

TRICKS = {}


def trick(f):
    TRICKS[f.__name__.replace("_", "-")] = f
    return f


def lists(id):
    return message("tools/list", id=id)


def fine(s):
    a = s.ask(lists("fine"))
    want("result" in a, f"{a}")


@trick
def split_anywhere(s):
    """A pipe cuts where it likes, in the middle of a character, too."""
    data = text_of(call("greet", {"name": "é€😀"}, id="split")) + b"\n"
    for i in range(len(data)):
        s.put(data[i:i + 1])
    a = s.answer("split")
    want("é€😀" in a["result"]["content"][0]["text"], f"{a}")


@trick
def lines_ended_otherwise(s):
    s.put(text_of(lists(1)) + b"\r\n")
    want("result" in s.answer(1), "a line with a carriage return")
    s.put(b"\n" * 100_000 + b"\r\n" * 1_000 + b" \n")
    fine(s)


@trick
def endless_line(s):
    """A line of 64 MiB: refused, not kept, and the next one is read."""
    for _ in range(64):
        s.put(b"a" * (1 << 20))
    s.put(b"\n")
    fine(s)


@trick
def endless_message(s):
    """The same that begins well."""
    m = text_of(call("greet", {"name": "NAME"}, id="big"))
    head, tail = m.split(b"NAME")
    s.put(head)
    for _ in range(32):
        s.put(b"a" * (1 << 20))
    s.put(tail + b"\n")
    fine(s)


@trick
def garbage(s):
    r = random.Random(1)
    for _ in range(20):
        s.put(r.randbytes(500_000))
    s.put(b"\n")
    fine(s)


@trick
def another_framing(s):
    """Headers before messages, as of the Language Server Protocol."""
    m = text_of(lists("framed"))
    s.put(b"Content-Length: %d\r\n\r\n%s\n" % (len(m), m))
    want("result" in s.answer("framed"), "the message after its headers")
    s.put(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n")
    fine(s)


@trick
def ends_in_a_message(s):
    s.put(text_of(lists(1))[:30])
    want(s.end() == 0, "it did not end with its client")


@trick
def ends_without_newline(s):
    """The end of all is the end of a line, too."""
    s.put(text_of(lists("last")))
    s.p.stdin.close()
    want("result" in s.answer("last"), "it was not answered")
    want(s.end() == 0, "it did not end with its client")


@trick
def ends_in_a_call(s):
    s.say(call("slow_compute", {"seconds": 60}, id="slow"))
    want(s.end() == 0, "it did not end with its client")


@trick
def output_closed(s):
    s.p.stdout.close()
    try:
        for i in range(1_000):
            os.write(s.p.stdin.fileno(), text_of(lists(i)) + b"\n")
        s.p.stdin.close()
    except BrokenPipeError:
        pass
    status = s.p.wait(60)
    want(status in (0, 1, 2, 3, 4, -signal.SIGPIPE), f"it ended with {status}")


@trick
def deaf(s):
    """Asks 64 MiB of answers, reads none: it is to wait, or to end."""
    data = text_of(lists(1)) + b"\n"
    os.set_blocking(s.p.stdin.fileno(), False)
    quiet = 0
    sent = 0
    while quiet < 20 and sent < 200_000:
        try:
            n = os.write(s.p.stdin.fileno(), data)
            quiet = 0
            sent += 1
            if n < len(data):
                break
        except BlockingIOError:
            quiet += 1
            time.sleep(0.05)
        except BrokenPipeError:
            return
    want(sent < 200_000, "it takes what it cannot answer")


@trick
def flood(s):
    """20,000 at once: all are answered, or refused by their ids."""
    seen = set()
    for start in range(0, 20_000, 500):
        s.put(b"".join(text_of(message("tools/list", {"cursor": "x"}, id=i)) +
                       b"\n" for i in range(start, start + 500)))
        while len(seen) < start + 500:
            a = s.get()
            want(a is not None, "the server has ended")
            if "method" not in a:
                want(a["id"] not in seen, f"{a} once more")
                seen.add(a["id"])


@trick
def id_reused(s):
    """While the first is under way: one of the two, not both as one."""
    s.say(call("slow_compute", {"seconds": 1}, id="same"),
          call("greet", {"name": "n"}, id="same"), lists("after"))
    answers = []
    while len(answers) < 2:
        m = s.get()
        want(m is not None, "the server has ended")
        if m.get("id") == "same" and "method" not in m:
            answers.append(m)
    want(any(code_of(m) == -32600 for m in answers), f"{answers}")
    fine(s)


@trick
def calls_too_many(s):
    """Calls under way at once: at some number it says no."""
    for i in range(2_000):
        s.say(call("slow_compute", {"seconds": 30}, id=f"c{i}"))
    s.say(lists("after"))
    refused = 0
    while True:
        m = s.get()
        want(m is not None, "the server has ended")
        refused += "error" in m
        if m.get("id") == "after":
            break
    want(refused > 0, "as many calls as one wants")
    for i in range(2_000):
        s.say({"jsonrpc": "2.0", "method": "notifications/cancelled",
               "params": {"_meta": meta(), "requestId": f"c{i}"}})
    fine(s)


@trick
def cancels(s):
    """Of what is not there, is over, or is not to be cancelled."""
    for i in (1, "x", None, {}, [], 1.5, "fine", -1, "c" * 100_000):
        s.say({"jsonrpc": "2.0", "method": "notifications/cancelled",
               "params": {"_meta": meta(), "requestId": i,
                          "reason": "\u202e" * 1_000}})
    s.say({"jsonrpc": "2.0", "method": "notifications/cancelled"})
    fine(s)
    # Another call's id as a number is not the same as text.
    s.say(call("slow_compute", {"seconds": 1}, id="1"),
          {"jsonrpc": "2.0", "method": "notifications/cancelled",
           "params": {"_meta": meta(), "requestId": 1}})
    want("result" in s.answer("1"), "another's call was cancelled")


@trick
def watches_too_many(s):
    """Listening without end: at some number it says no."""
    for i in range(2_000):
        s.say(message("subscriptions/listen", {"notifications": {
            "resourceSubscriptions": ["test://watched-resource",
                                      "schedkit://status"]}},
            id=f"w{i}"))
    s.say(lists("after"))
    refused = 0
    while True:
        m = s.get()
        want(m is not None, "the server has ended")
        refused += "error" in m
        if m.get("id") == "after":
            break
    want(refused > 0, "as many watches as one wants")


@trick
def eras_mixed(s):
    """Each request says of itself which it is of."""
    fine(s)
    want("result" in s.initialize(), "a handshake after a newer request")
    fine(s)
    s.say({"jsonrpc": "2.0", "id": "old", "method": "tools/list"})
    want("result" in s.answer("old"), "an older one after a newer one")


@trick
def old_before_initialize(s):
    s.say({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    want("error" in s.answer(1), "a list without a handshake")
    s.say({"jsonrpc": "2.0", "id": 2, "method": "ping"})
    s.answer(2)


@trick
def old_twice(s):
    want("result" in s.initialize(), "initialize")
    a = s.initialize(id="again")
    want("error" in a, f"initialize twice: {a}")
    s.say({"jsonrpc": "2.0", "id": 3, "method": "tools/list"})
    want("result" in s.answer(3), "after it")


@trick
def old_revisions(s):
    for v in ("9999-99-99", "1.0", "", "2025-11-25x"):
        a = s.initialize(v, id=f"i{v}")
        if "result" in a:
            want(a["result"]["protocolVersion"] <= OLD, f"{a}")
            break
    else:
        want("result" in s.initialize(id="last"), "no revision at all")


@trick
def old_initialize_strange(s):
    for i, p in enumerate(({}, {"protocolVersion": 7}, [], "x",
                           {"protocolVersion": OLD},
                           {"protocolVersion": OLD, "capabilities": [],
                            "clientInfo": {"name": "n", "version": "1"}},
                           {"protocolVersion": OLD, "capabilities": {},
                            "clientInfo": "n"})):
        s.say({"jsonrpc": "2.0", "id": f"s{i}", "method": "initialize",
               "params": p})
        want(code_of(s.answer(f"s{i}")) in (-32602, -32600), f"{p}: taken")
    want("result" in s.initialize(), "then a good one")


@trick
def old_levels(s):
    s.initialize()
    for i, level in enumerate(("loud", 7, None, [], "", "INFO")):
        s.say({"jsonrpc": "2.0", "id": i, "method": "logging/setLevel",
               "params": {"level": level}})
        want(code_of(s.answer(i)) == -32602, f"level {level}")


@trick
def old_batch_of_many(s):
    """2025-03-26 has batches: of a size that has an end."""
    s.initialize("2025-03-26")
    ping = {"jsonrpc": "2.0", "method": "ping"}
    s.put(text_of([{**ping, "id": 1}, {**ping, "id": 2}]) + b"\n")
    seen = set()
    while len(seen) < 2:
        m = s.get()
        for a in m if isinstance(m, list) else [m]:
            seen.add(a["id"])
    s.put(text_of([{**ping, "id": i} for i in range(50_000)]) + b"\n")
    s.put(text_of([[]]) + b"\n" + text_of([]) + b"\n")
    s.say({**ping, "id": "after"})
    while True:
        m = s.get()
        want(m is not None, "the server has ended")
        if isinstance(m, dict) and m.get("id") == "after":
            break


@trick
def old_answers_of_others(s):
    """Asked a person, it takes the answer to that question only."""
    s.initialize(capabilities={"elicitation": {}})
    s.say({"jsonrpc": "2.0", "id": "ask", "method": "tools/call", "params": {
        "name": "test_elicitation", "arguments": {"message": "m"}}})
    asked = s.get()
    while asked.get("method") != "elicitation/create":
        asked = s.get()
    for i in ("x", 0, None, str(asked["id"]) + "0"):
        s.say({"jsonrpc": "2.0", "id": i, "result": {
            "action": "accept", "content": {"username": "u", "email": "e"}}})
    s.say({"jsonrpc": "2.0", "id": asked["id"], "result": {
        "action": "decline"}})
    a = s.answer("ask")
    want("decline" in text_of(a).decode(), f"{a}")


@trick
def old_answers_strange(s):
    """It may ask again, not for ever, and never takes it for a yes."""
    s.initialize(capabilities={"elicitation": {}})
    for i, r in enumerate((7, [], {}, {"action": "yes"}, {"action": "accept"},
                           {"action": "accept", "content": 7}, None)):
        s.say({"jsonrpc": "2.0", "id": f"a{i}", "method": "tools/call",
               "params": {"name": "test_elicitation",
                          "arguments": {"message": "m"}}})
        times = 0
        while True:
            m = s.get()
            want(m is not None, "the server has ended")
            if m.get("method") == "elicitation/create":
                times += 1
                want(times < 20, f"{r}: asked {times} times")
                s.say({"jsonrpc": "2.0", "id": m["id"], "result": r})
            elif m.get("id") == f"a{i}":
                break
        want("error" in m or m["result"].get("isError") or
             "accept" not in text_of(m).decode(), f"{r}: {m}")


@trick
def stopped(s):
    """SIGTERM ends it in an orderly way, whatever is under way."""
    s.say(call("slow_compute", {"seconds": 60}, id="slow"))
    fine(s)
    s.p.send_signal(signal.SIGTERM)
    want(s.p.wait(30) in (0, -signal.SIGTERM), "it did not end")
