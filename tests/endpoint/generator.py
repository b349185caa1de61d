# SPDX-License-Identifier: GPL-2.0-or-later
"""A model of which every word is known beforehand.

A script {"generate": {...}} instead of a list of steps.  What it says is a
function of the conversation alone, so that an answer that was suspended and
went on can be held against the one that was not.  The last message asks for
it: "tokens=40" (pieces of text), "kind=text|json|calls".  All optional:
  "start": S, "delay": S     before the first token, and after each
  "slots": N                 calls at once; the others wait, or with
  "full": STATUS             are refused
  "resume": [HOW...]         how it goes on: "slot" (llama.cpp's /props and
                             /slots), "continue" (vLLM's
                             continue_final_message), "prefill" (an
                             assistant's message at the end); who goes on in
                             another way is refused, with "deaf": true begins
                             anew
  "turn": HOW                what a turn that asks to go on gets: "exact"
                             (default), "more" (begins earlier), "straight"
                             (without the repeat), "anew", "refused"
  "formats": false           no response_format, no output_config
  "limits": {...}            headers of these names
  "faults": {KIND: RATE}     reset, torn, stall, 429, 500
  "seed": N                  of the faults, and which call they meet
"""
import hashlib
import json
import os
import random
import re
import threading

import wire
from dialect import dumps

WORDS = ["the", "load", "of", "a", "queue", "Grüße", "字", "🙂", "\"",
         "\\", "{", "}", ",", ".", "\n", "\t", "  ", "<tool>", "x=1;", "é́",
         "wakeup", "latency", "]", "[", ":"]
GOES_ON = re.compile("<<<(.*)>>>$", re.S)


def text_of(message):
    content = message.get("content") or ""
    if isinstance(content, list):
        return "".join(b.get("text", b.get("content", ""))
                       if isinstance(b.get("text", ""), str) else ""
                       for b in content)
    return content


def pieces_of(text, rng):
    """A text in tokens."""
    out, at = [], 0
    while at < len(text):
        n = rng.choice((1, 2, 3, 4, 6))
        out.append(text[at:at + n])
        at += n
    return out


class Said:
    """All that is said to a conversation."""

    def __init__(self, messages, salt):
        ask = text_of(messages[-1])
        self.key = hashlib.sha256(json.dumps(
            [salt, [[m["role"], text_of(m)] for m in messages]]
        ).encode()).hexdigest()
        rng = random.Random(self.key)
        kind = re.search(r"kind=(\w+)", ask)
        count = int((re.search(r"tokens=(\d+)", ask) or [0, "20"])[1])
        self.kind = kind[1] if kind else "text"
        words = [rng.choice(WORDS) + rng.choice(("", " "))
                 for _ in range(count)]
        self.value = {"text": "".join(words),
                      "list": [rng.randrange(1000) for _ in range(5)]}
        self.calls = []
        if self.kind == "json":
            self.pieces = pieces_of(dumps(self.value), rng)[:100000]
        else:
            self.pieces = ["I say:"] + words
        if self.kind == "calls":
            self.calls = [{"id": f"call_{i}_{self.key[:6]}", "name": "look",
                           "arguments": {"what": "".join(words), "n": i}}
                          for i in range(2)]
        self.text = "".join(self.pieces)

    def behind(self, said):
        """The pieces behind what was said; None: it was not said."""
        if not self.text.startswith(said):
            return None
        out, at = [], 0
        for p in self.pieces:
            if at + len(p) > len(said):
                out.append(p[max(0, len(said) - at):])
            at += len(p)
        return out


class Refused(Exception):
    def __init__(self, status, words, headers=None):
        super().__init__(words)
        self.status = status
        self.headers = headers or {}


class Generator:
    def __init__(self, options, log):
        self.o = options
        self.log = log
        self.lock = threading.Condition()
        self.free = set(range(options.get("slots", 1 << 20))
                        if "slots" in options else range(1024))
        self.states = {}  # of slots: what was read and said in them
        self.files = {}
        self.tries = {}
        self.most = 0

    # ---- slots -------------------------------------------------------

    def take(self, wanted):
        with self.lock:
            if "full" in self.o and not self.free:
                raise Refused(self.o["full"], "all slots are taken",
                              {"retry-after": "0.05"})
            while not (wanted in self.free if wanted is not None
                       else self.free):
                self.lock.wait()
            slot = wanted if wanted is not None else min(self.free)
            self.free.discard(slot)
            return slot

    def give(self, slot):
        with self.lock:
            self.free.add(slot)
            self.lock.notify_all()

    def aside(self, c, r):
        """/props and /slots of llama.cpp: whether it was one of them."""
        if not r.path.endswith("/props") and "/slots/" not in r.path:
            return False
        if "slot" not in self.o.get("resume", []):
            wire.respond(c, 501, {}, b'{"error":{"code":501,"message":'
                         b'"This server does not support slots action."}}')
            return True
        if r.path.endswith("/props"):
            wire.respond(c, 200, {}, dumps(
                {"total_slots": self.o.get("slots", 1024)}).encode())
            return True
        slot = int(r.path.rsplit("/", 1)[1])
        name = json.loads(r.body)["filename"]
        action = r.target.split("action=")[1]
        self.take(slot)
        try:
            if action == "save":
                self.files[name] = self.states.get(slot, "")
            else:
                self.states[slot] = self.files[name]
            done = dumps({"id_slot": slot, "filename": name}).encode()
            self.log({"slot": slot, "action": action, "file": name})
            wire.respond(c, 200, {}, done)
        except KeyError:
            wire.respond(c, 400, {}, b'{"error":{"message":"no such file"}}')
        finally:
            self.give(slot)
        return True

    # ---- what is asked -----------------------------------------------

    def understand(self, d):
        """(what there is to say, said already, said once more)"""
        body, messages = d.body, d.body["messages"]
        salt = dumps(body.get("system", ""))
        if not self.o.get("formats", True) and (
                "response_format" in body or "output_config" in body):
            raise Refused(400, "response_format: structured output is not "
                          "supported")
        last = text_of(messages[-1])
        goes_on = GOES_ON.search(last)
        if messages[-1]["role"] == "assistant":
            self.may_go_on(body)
            if self.o.get("deaf"):
                return Said(messages[:-1], salt), "", ""
            return Said(messages[:-1], salt), last, ""
        if body.get("continue_final_message"):
            raise Refused(400, "continue_final_message without one")
        if goes_on and messages[-2]["role"] == "assistant":
            return self.turn(messages, salt, goes_on[1])
        return Said(messages, salt), "", ""

    def may_go_on(self, body):
        how = self.o.get("resume", [])
        flag = body.get("continue_final_message")
        if flag and body.get("add_generation_prompt", True):
            raise Refused(400, "continue_final_message and "
                          "add_generation_prompt are not compatible")
        if self.o.get("deaf"):
            return
        if not ({"continue", "slot"} & set(how) if flag
                else "prefill" in how):
            raise Refused(400, "This model does not support assistant message "
                          "prefill. The conversation must end with a user "
                          "message.")

    def turn(self, messages, salt, anchor):
        said = text_of(messages[-2])
        all_of = Said(messages[:-2], salt)
        how = self.o.get("turn", "exact")
        if not said.endswith(anchor):
            said += anchor[len(anchor.rstrip()):]
        if how == "refused":
            raise Refused(400, "this is a bad turn")
        if how == "anew":
            return all_of, "", ""
        if how == "straight":
            return all_of, said, ""
        if how == "more":
            anchor = said[-len(anchor) - 5:]
        return all_of, said, anchor

    # ---- what is said ------------------------------------------------

    def answer(self, d):
        all_of, said, again = self.understand(d)
        pieces = all_of.behind(said)
        if pieces is None:
            pieces = ["(that was not said)"]
        if again:
            pieces = pieces_of(again, random.Random(1)) + pieces
        most = d.body.get("max_tokens", d.body.get("max_completion_tokens",
                                                   1 << 30))
        out = {"finish": "stop", "pieces": pieces[:most]}
        if len(pieces) > most:
            out["finish"] = "length"
        elif all_of.calls:
            out.update(calls=[dict(c) for c in all_of.calls], finish="calls",
                       grain=12)
        out["text"] = "".join(out["pieces"])
        if d.forced() and all_of.kind == "json":
            out = {"value": all_of.value, "finish": "calls", "grain": 20}
        asked = sum(len(text_of(m)) for m in d.body["messages"])
        out["usage"] = {"in": asked // 4 + 1, "cached": 0,
                        "out": len(out.get("pieces", [1]))}
        return all_of, said, out

    def fault(self, key):
        """Which one this request meets, and after how many events."""
        with self.lock:
            n = self.tries[key] = self.tries.get(key, 0) + 1
        rng = random.Random(f"{self.o.get('seed', 0)} {key} {n}")
        x, at = rng.random(), rng.randrange(1, 12)
        for kind, rate in self.o.get("faults", {}).items():
            x -= rate
            if x < 0:
                return kind, at
        return None, at

    def play(self, c, r, d):
        try:
            all_of, said, answer = self.answer(d)
            fault, at = self.fault(all_of.key + said)
            if fault in ("429", "500"):
                raise Refused(int(fault), "as the seed says",
                              {"retry-after": "0.05"} if fault == "429"
                              else {})
            slot = self.take(d.body.get("id_slot"))
        except Refused as e:
            self.log({"refused": e.status, "why": str(e)})
            wire.respond(c, e.status, e.headers, d.error(
                str(e), "invalid_request_error" if e.status == 400
                else "api_error"))
            return
        prompt = all_of.key + said
        same = os.path.commonprefix([self.states.get(slot, ""), prompt])
        if len(same) >= len(all_of.key):
            u = answer["usage"]
            u["cached"] = u["in"] * len(same) // len(prompt)
        self.states[slot] = prompt
        self.log({"slot": slot, "said": len(said), "fault": fault})
        try:
            self.say(c, d, slot, answer, fault, at)
        finally:
            self.give(slot)

    def say(self, c, d, slot, answer, fault, at):
        headers = {"content-type": "text/event-stream",
                   "transfer-encoding": "chunked",
                   **self.o.get("limits", {})}
        pause = threading.Event()
        pause.wait(self.o.get("start", 0))
        if not d.streaming():
            headers.pop("transfer-encoding")
            headers["content-type"] = "application/json"
            wire.respond(c, 200, headers, d.whole(answer, {}).encode())
            return
        c.send(wire.head(200, headers))
        left = list(answer.get("pieces", []))
        for i, (kind, data) in enumerate(d.events(answer, {})):
            event = (f"event: {kind}\n" if kind else "") + f"data: {data}\n\n"
            raw = event.encode()
            if fault and i == at:
                self.break_off(c, raw, fault)
                return
            c.send(wire.chunk(raw))
            if left and dumps(left[0])[1:-1] in data:
                self.states[slot] += left.pop(0)
            if self.o.get("delay"):
                pause.wait(self.o["delay"])
        c.send(b"0\r\n\r\n")

    def break_off(self, c, raw, fault):
        if fault == "torn":
            c.send(wire.chunk(raw[:len(raw) // 2]) + b"0\r\n\r\n")
            c.closed = True
        elif fault == "reset":
            c.reset()
        else:
            c.hang()
