# SPDX-License-Identifier: GPL-2.0-or-later
"""What the two vendors ask of a request and how they say an answer.

A step's "answer", all of it optional:
  "text"     what the model says
  "value"    what it means: put into the shape that the request asks for (text
             under a schema or JSON mode, the arguments of a tool that must be
             called), so that one script does for both dialects
  "calls"    [{"id", "name", "arguments"}]
  "thinking" said before, and no part of the answer
  "finish"   stop, length, calls, refused, filtered; the default fits
  "usage"    {"in", "cached", "out"}; null: none is said
  "model"    the name it gives
  "pieces", "grain"   how the text and the arguments of calls are streamed
"""
import json

USAGE = {"in": 11, "cached": 3, "out": 7}


def dumps(value):
    """As short as servers write it, and in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Complaint(Exception):
    pass


def want(true, words):
    if not true:
        raise Complaint(words)


class Dialect:
    """complaint: what is wrong with the request; refusal: as which status."""

    def __init__(self, request, key, kind="chat"):
        self.request = request
        self.kind = kind
        self.body = None
        self.complaint = None
        self.refusal = 400
        try:
            self.check_all(key)
        except Complaint as e:
            self.complaint = str(e)
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            self.complaint = f"malformed request: {e!r}"

    def check_all(self, key):
        self.refusal = 404
        want(self.kind != "none", f"no such path: {self.request.path}")
        self.refusal = 405
        want(self.request.method == ("POST" if self.kind == "chat" else "GET"),
             f"no method {self.request.method} here")
        self.refusal = 401
        if key is not None:
            want(self.key() == key, "incorrect API key provided")
        self.refusal = 400
        if self.kind == "chat":
            kind = self.request.headers.get("content-type", "")
            want(kind.split(";")[0] == "application/json",
                 f"content-type is {kind!r}")
            self.body = json.loads(self.request.body)
            want(isinstance(self.body.get("model"), str)
                 and self.body["model"], "no model")
            want(isinstance(self.body.get("messages"), list)
                 and self.body["messages"], "no messages")
            self.check()

    def streaming(self):
        return bool(self.body and self.body.get("stream"))

    def put(self, answer):
        """(text, calls): a value in the shape that was asked for."""
        text, calls = answer.get("text"), list(answer.get("calls", []))
        if "value" in answer:
            tool = self.forced()
            if tool:
                calls.append({"name": tool, "arguments": answer["value"]})
            else:
                text = (text or "") + dumps(answer["value"])
        for i, call in enumerate(calls):
            call.setdefault("id", f"call_{i + 1}")
        return text, calls

    def split(self, text, answer):
        """The text in the pieces in which it is streamed."""
        return answer.get("pieces") or fragments(text)

    def name(self, answer):
        return answer.get("model", self.body["model"])


def closed(schema, where="schema"):
    """What both vendors' strict modes ask of every object in a schema."""
    if isinstance(schema, list):
        for s in schema:
            closed(s, where)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        want(schema.get("additionalProperties") is False,
             f"{where}: 'additionalProperties' is required to be false")
    for key, s in schema.items():
        closed(s, f"{where}.{key}")


def fragments(text, n=3):
    """A text in about n pieces, none of them empty."""
    size = max(1, -(-len(text) // n))
    return [text[i:i + size] for i in range(0, len(text), size)]


def tags(calls):
    """Calls as models write them that were not asked in their own form."""
    return "".join(
        "<tool_call>\n%s\n</tool_call>" % dumps(
            {"name": c["name"], "arguments": c["arguments"]}) for c in calls)
