# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile messages, which are the same over both transports: mcp_hostile.py."""
import json

from mcp_client import META, NEW, call, meta, message, text_of, want

PARSE, REQUEST, METHOD, PARAMS = -32700, -32600, -32601, -32602
REVISION, HEADERS = -32022, -32020

TRICKS = {}


def trick(f):
    TRICKS[f.__name__.replace("_", "-")] = f
    return f


def refused(w, m, *codes, like=None):
    """Just one answer, an error with one of these codes, and not a long one."""
    said = w.say(m, like)
    shown = text_of(m)[:120]
    want(len(said) == 1, f"{shown!r}: {len(said)} answers: {str(said)[:300]}")
    e = said[0].get("error") if isinstance(said[0], dict) else None
    want(e, f"{shown!r}: taken: {str(said)[:300]}")
    want(e["code"] in codes, f"{shown!r}: {e}")
    want(isinstance(e["message"], str) and e["message"], f"{e}")
    want(len(text_of(said[0])) < 8192, f"{shown!r}: a long answer")
    if e["code"] in (PARSE, REQUEST, METHOD, REVISION, HEADERS):
        w.no_success()
    return said[0]


def served(w, m):
    """Just one answer, a result."""
    said = [a for a in w.say(m) if "method" not in a]
    want(len(said) == 1 and "result" in said[0],
         f"{text_of(m)[:120]!r}: {str(said)[:300]}")
    return said[0]


def lists(id):
    return message("tools/list", id=id)


def body(text):
    """A request with a part of its text replaced: what json cannot say."""
    return text_of(lists("ID")).replace(b'"ID"', text)


# ---- not JSON, or not of one piece -----------------------------------------

@trick
def not_json(w):
    for m in (b"hello", b"{", b'{"jsonrpc":"2.0",}', b"{'id':1}", b"}{",
              b'{"jsonrpc":"2.0","id":1,"method":"tools/list"} trailing',
              b"\xff\xfe\x00{", b"NaN", b'{"a":01}', b'{"a":"\t"}'):
        refused(w, m, PARSE, REQUEST, like=lists(1))


@trick
def invalid_utf8(w):
    for bad in (b"\x80", b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80",
                b"\xf8\x88\x80\x80\x80", b"\xf4\x90\x80\x80"):
        m = text_of(call("greet", {"name": "NAME"}))
        refused(w, m.replace(b"NAME", bad), PARSE, like=call("greet"))


@trick
def byte_order_mark(w):
    said = w.say(b"\xef\xbb\xbf" + text_of(lists(1)), lists(1))
    want(len(said) == 1, f"{len(said)} answers")


@trick
def nul_bytes(w):
    m = text_of(lists(1))
    for bad in (b"\0", b"\0" + m, m + b"\0", m.replace(b"tools", b"to\0ols")):
        refused(w, bad, PARSE, like=lists(1))
    # As an escape it is a character like others: nothing ends at it.
    refused(w, call("greet\0x", {"name": "n"}), PARAMS, PARSE, HEADERS)
    refused(w, message("tools/list\0x"), METHOD, PARSE, HEADERS)


@trick
def lone_surrogates(w):
    m = text_of(call("greet", {"name": "NAME"}))
    for bad in (rb"\ud800", rb"\udc00", rb"\ud800\ud800", rb"\ud800x"):
        said = w.say(m.replace(b"NAME", bad), call("greet"))
        want(len(said) == 1, f"{bad!r}: {said}")
        json.dumps(said).encode()


@trick
def deep(w):
    for n in (200, 10_000, 1_000_000):
        refused(w, b"[" * n, PARSE, REQUEST, like=lists(1))
        refused(w, b"[" * n + b"]" * n, PARSE, REQUEST, like=lists(1))
    for n in (1_000, 100_000):
        m = text_of(call("greet", {"name": "NAME"}))
        refused(w, m.replace(b'"NAME"', b'{"a":' * n + b"1" + b"}" * n),
                PARSE, REQUEST, PARAMS, like=call("greet"))


@trick
def wide(w):
    m = call("greet", {"name": "n", **{f"k{i}": i for i in range(100_000)}})
    said = w.say(m)
    want(len(said) == 1, f"{len(said)} answers")


@trick
def oversized(w):
    for n in (4 << 20, 16 << 20):
        said = w.say(text_of(call("greet", {"name": "a" * n})), call("greet"))
        want(len(said) <= 1 and not any("result" in m for m in said),
             f"{str(said)[:200]}")
        w.no_success()


@trick
def large_numbers(w):
    for n in (b"1e400", b"-1e400", b"9" * 400, b"0." + b"1" * 100_000):
        m = text_of(call("greet", {"name": "N"}))
        said = w.say(m.replace(b'"N"', n), call("greet"))
        want(len(said) == 1, f"{n[:20]}: {len(said)} answers")


@trick
def duplicate_keys(w):
    m = text_of(lists(1))
    for bad in (m[:-1] + b',"method":"tools/call"}',
                m[:-1] + b',"id":2}', m[:-1] + b',"jsonrpc":"1.0"}',
                m[:-1] + b',"params":{}}'):
        refused(w, bad, PARSE, REQUEST, like=lists(1))
    c = text_of(call("greet", {"name": "a"}))
    refused(w, c.replace(b'"name":"greet"',
                         b'"name":"greet","name":"failing_job"'),
            PARSE, REQUEST, PARAMS, like=call("greet"))


# ---- the envelope ----------------------------------------------------------

@trick
def scalars(w):
    for m in (b"42", b'"tools/list"', b"null", b"true", b"1.5", b'""'):
        refused(w, m, REQUEST, PARSE, like=lists(1))


@trick
def id_null(w):
    refused(w, body(b"null"), REQUEST, like=lists(1))


@trick
def id_fraction(w):
    for i in (b"1.5", b"1e-3", b"0.1"):
        refused(w, body(i), REQUEST, like=lists(1))


@trick
def id_huge(w):
    """It comes back as it was, or not at all."""
    for i in ("9007199254740993", "9223372036854775808", "-" + "9" * 40,
              "1e400", "123456789012345678901234567890"):
        said = w.say(body(i.encode()), lists(1))
        want(len(said) == 1, f"{i}: {said}")
        if "result" in said[0]:
            want(i == str(said[0]["id"]), f"{i} became {said[0]['id']}")
        else:
            want(said[0].get("id") is None, f"{i}: {said[0]}")


@trick
def id_object(w):
    for i in (b"{}", b"[]", b"[1]", b"true", b"false", b'{"id":1}'):
        refused(w, body(i), REQUEST, like=lists(1))


@trick
def id_odd(w):
    """Not beautiful, and allowed: each comes back as it was."""
    for i in (0, -1, -2**53 + 1, 2**53 - 1, "", "0", "é" * 100,
              "\u202e\u0007", "../x", "a" * 100):
        a = served(w, lists(i))
        want(a["id"] == i and isinstance(a["id"], type(i)),
             f"{i!r} became {a['id']!r}")


@trick
def id_long(w):
    said = w.say(lists("i" * 1_000_000), lists(1))
    want(len(said) == 1, f"{len(said)} answers")
    if "result" in said[0]:
        want(len(said[0]["id"]) == 1_000_000, "it was cut")


@trick
def no_version(w):
    for v in (None, "1.0", 2.0, 2, "2", "", [], "2.0 "):
        m = lists(1)
        m["jsonrpc"] = v
        refused(w, m, REQUEST, like=lists(1))
    m = lists(1)
    del m["jsonrpc"]
    refused(w, m, REQUEST, like=lists(1))


@trick
def method_no_text(w):
    for v in (None, 1, [], {}, True, ["tools/list"]):
        m = lists(1)
        m["method"] = v
        refused(w, m, REQUEST, like=lists(1))


@trick
def methods_unknown(w):
    for v in ("", "tools", "tools/", "TOOLS/LIST", "tools/list ", "rpc.x",
              "__proto__", "tools/call/../list", "é", "initialize/x",
              "notifications/initialized", "%s%n%s", "x" * 1_000_000):
        refused(w, message(v), METHOD, REQUEST, HEADERS)


@trick
def params_no_object(w):
    for v in ([], [1], "x", 1, True, None):
        m = lists(1)
        m["params"] = v
        refused(w, m, PARAMS, REQUEST, like=lists(1))


@trick
def both_and_neither(w):
    """Neither a request nor an answer, or both."""
    for m in ({"jsonrpc": "2.0"}, {"jsonrpc": "2.0", "id": 1}, {}):
        refused(w, m, REQUEST, like=lists(1))
    for m in ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}},
              {**lists(1), "result": {}}):
        said = w.say(m, lists(1))
        want(not any("result" in a for a in said), f"{said}")


@trick
def unasked_answers(w):
    for m in ({"jsonrpc": "2.0", "id": 1, "result": {}},
              {"jsonrpc": "2.0", "id": "x", "result": {"action": "accept"}},
              {"jsonrpc": "2.0", "id": 7,
               "error": {"code": -1, "message": "m"}},
              {"jsonrpc": "2.0", "id": None,
               "error": {"code": -32700, "message": "m"}},
              {"jsonrpc": "2.0", "id": 1, "error": 3}):
        said = w.say(m, lists(1))
        want(not any("result" in a for a in said), f"{m}: {said}")


@trick
def batches(w):
    for m in (b"[]", [lists(1), lists(2)], [[lists(1)]], [1, 2, 3],
              [lists(i) for i in range(5_000)]):
        refused(w, m if isinstance(m, bytes) else text_of(m), REQUEST, PARSE,
                like=lists(1))


@trick
def notifications_strange(w):
    """Nobody answers a notification, whatever is in it."""
    for method, p in (("notifications/x", {}), ("tools/list", {}),
                      ("tools/call", {"name": "greet"}),
                      ("notifications/progress", {"progressToken": {}}),
                      ("notifications/cancelled", {}),
                      ("notifications/cancelled", {"requestId": {}}),
                      ("notifications/initialized", {"x": "y" * 100_000})):
        said = w.say(message(method, p, id=None))
        want(not any("result" in a for a in said), f"{method}: {said}")


# ---- the revision ----------------------------------------------------------

@trick
def revisions_unknown(w):
    for v in ("2099-01-01", "1999-12-31", "", "v999.0.0", "2026-07-28 ",
              "2026-07-28\0", "../..", "x" * 4_000):
        m = message("tools/list", {"_meta": meta(v)})
        said = w.say(m, w.with_revision(v))
        want(len(said) == 1 and "error" in said[0], f"{v[:20]!r}: {said}")
        e = said[0]["error"]
        want(e["code"] in (REVISION, REQUEST, PARAMS, HEADERS, PARSE),
             f"{e}")
        if e["code"] == REVISION:
            want(NEW in e["data"]["supported"], f"{e}")
        want(len(text_of(said[0])) < 8192, "a long answer")


@trick
def revision_no_text(w):
    for v in (None, 20260728, [], {}, True, [NEW]):
        refused(w, message("tools/list", {"_meta": meta(v)}), PARAMS, REQUEST,
                HEADERS)


@trick
def metadata_missing(w):
    for gone in ("protocolVersion", "clientCapabilities"):
        k = meta()
        del k[META + gone]
        refused(w, message("tools/list", {"_meta": k}), PARAMS, HEADERS,
                REQUEST)
    for k in ("x", 1, []):
        refused(w, message("tools/list", {"_meta": k}), PARAMS, HEADERS,
                REQUEST)


@trick
def metadata_strange(w):
    for k in ({META + "clientCapabilities": "all"},
              {META + "clientCapabilities": []},
              {META + "clientInfo": "x"},
              {META + "clientInfo": {"name": 7}}):
        refused(w, message("tools/list", {"_meta": meta(**k)}), PARAMS, REQUEST)
    served(w, message("tools/list", {"_meta": meta(
        **{"progressToken": "t", "x/y": {"z": "w" * 10_000},
           META + "clientInfo": {"name": "\u202e\u0007" * 1_000,
                                 "version": "v" * 10_000}})}))
    for t in ({}, [], 1.5, True, None):
        w.say(message("tools/list", {"_meta": meta(progressToken=t)}))


# ---- names, addresses, handles ---------------------------------------------

@trick
def tools_unknown(w):
    for n in ("", "../../bin/sh", "greet/../greet", "GREET", "greet ",
              "__proto__", "greet;id", "$(id)", "%s%n", "é", "g" * 100_000,
              "/bin/sh"):
        refused(w, call(n, {"name": "n"}), PARAMS, METHOD, HEADERS)
    for n in (1, None, [], {"name": "greet"}):
        refused(w, call(n), PARAMS, REQUEST, HEADERS)


@trick
def prompts_unknown(w):
    for n in ("../../../etc/passwd", "..", "test_simple_prompt/../x", "\n",
              "/etc/passwd", "p" * 100_000):
        refused(w, message("prompts/get", {"name": n}), PARAMS, HEADERS)


@trick
def paths(w):
    """No address leads out of what is offered."""
    for u in ("file:///etc/passwd", "/etc/passwd", "../../etc/passwd",
              "test://../../etc/passwd", "test://static-text/../../etc/passwd",
              "test://static-text%00.png", "test://%2e%2e/%2e%2e/etc/passwd",
              "schedkit://history/policy/../../../etc/passwd",
              "schedkit://history/..%2f..%2f..%2fetc%2fpasswd/0",
              "schedkit://man/../../../../etc/passwd", "schedkit://man/%00",
              "schedkit://man/..%2f..%2f..%2fetc%2fpasswd",
              "schedkit://lesson//etc/passwd", "schedkit://man/.",
              "http://169.254.169.254/latest/meta-data/", "//evil/share",
              "data:text/plain,x", "javascript:1", "", "test://",
              "test://static-text#x", "TEST://STATIC-TEXT", "u" * 4_000):
        a = refused(w, message("resources/read", {"uri": u}), PARAMS,
                    HEADERS)
        want("root:" not in json.dumps(a), f"{u}: {a}")
    for u in (1, None, [], {}):
        refused(w, message("resources/read", {"uri": u}), PARAMS, REQUEST,
                HEADERS)


@trick
def arguments_strange(w):
    """What is no call at all is an error; what a model got wrong, a result."""
    for a in ([], "x", 1, True):
        refused(w, message("tools/call", {"name": "greet", "arguments": a}),
                PARAMS)
    for a in ({}, {"name": 7}, {"name": None}, {"name": ["n"]},
              {"name": {"$ref": "http://127.0.0.1:9/x"}}):
        said = w.say(call("greet", a))
        want(len(said) == 1, f"{a}: {said}")
        want(said[0].get("result", {}).get("isError") or
             said[0].get("error", {}).get("code") == PARAMS, f"{a}: {said}")


@trick
def cursors_forged(w):
    for method in ("tools/list", "resources/list", "prompts/list",
                   "resources/templates/list"):
        for c in ("x", "-1", "99999999999999999999", "../..", "A" * 100_000,
                  "eyJvZmZzZXQiOi0xfQ=="):
            refused(w, message(method, {"cursor": c}), PARAMS)
        for c in (1, [], {}, False):
            refused(w, message(method, {"cursor": c}), PARAMS)


@trick
def state_forged(w):
    """requestState that we did not give, or gave for something else."""
    tool = "test_input_required_result_request_state"
    can = {"_meta": meta(capabilities={"elicitation": {}})}
    first = served(w, call(tool, **can))["result"]
    want(first["resultType"] == "input_required", f"{first}")
    state = first["requestState"]
    reply = {"inputResponses": {k: {"action": "accept",
                                    "content": {"ok": True}}
                                for k in first["inputRequests"]}}
    flipped = state[:-2] + ("A" if state[-2] != "A" else "B") + state[-1]
    for s in ("", "x", flipped, state + "A", state[:-4], state[::-1],
              "A" * 1_000_000, state.swapcase()):
        refused(w, call(tool, requestState=s, **reply, **can), PARAMS)
    for s in (1, None, [], {"a": 1}):
        refused(w, call(tool, requestState=s, **reply, **can), PARAMS)
    # It is of this tool with these arguments.
    refused(w, call("test_input_required_result_tampered_state",
                    requestState=state, **reply, **can), PARAMS)
    refused(w, call(tool, {"other": 1}, requestState=state, **reply, **can),
            PARAMS)
    done = served(w, call(tool, requestState=state, **reply, **can))
    want("state-ok" in json.dumps(done), f"{done}")


@trick
def answers_forged(w):
    """To what was asked: of another shape, or to something else as well."""
    tool = "test_input_required_result_request_state"
    can = {"_meta": meta(capabilities={"elicitation": {}})}
    for r in ([], "x", 1, 7, {"action": "approve-all"}, {"action": "accept"},
              {"action": "accept", "content": "x"}, {},
              {"action": "accept", "content": {"ok": "yes"}},
              {"action": "accept", "content": {"ok": None}},
              {"action": "ACCEPT", "content": {"ok": True}},
              {"action": ["accept"], "content": {"ok": True}}):
        asked = served(w, call(tool, **can))["result"]
        key = list(asked["inputRequests"])[0]
        said = w.say(call(tool, inputResponses={key: r},
                          requestState=asked["requestState"], **can))
        want(len(said) == 1, f"{said}")
        want("error" in said[0] or said[0]["result"].get("isError") or
             said[0]["result"]["resultType"] == "input_required",
             f"{str(r)[:100]}: taken: {said}")
    asked = served(w, call(tool, **can))["result"]
    key = list(asked["inputRequests"])[0]
    for r in ([], "x", 1, {f"k{i}": {} for i in range(10_000)}, {key + "x": {
            "action": "accept", "content": {"ok": True}}}):
        said = w.say(call(tool, inputResponses=r,
                          requestState=asked["requestState"], **can))
        want(len(said) == 1 and "state-ok" not in json.dumps(said),
             f"{str(r)[:100]}: {str(said)[:200]}")


@trick
def handles_forged(w):
    """Tasks that are not there, or nobody's."""
    can = {"_meta": meta(capabilities={
        "extensions": {META + "tasks": {}}})}
    for method in ("tasks/get", "tasks/cancel", "tasks/update"):
        for t in ("", "x", "../../etc/passwd", "0" * 64, "%s%n",
                  "t" * 100_000, "\0"):
            p = {"taskId": t, **can}
            if method == "tasks/update":
                p["inputResponses"] = {}
            refused(w, message(method, p), PARAMS, PARSE, HEADERS)
        for t in (1, None, [], {}):
            refused(w, message(method, {"taskId": t, **can}), PARAMS,
                    HEADERS)


@trick
def completions_strange(w):
    ref = {"type": "ref/prompt", "name": "test_prompt_with_arguments"}
    for p in ({}, {"ref": ref}, {"ref": "x", "argument": {}},
              {"ref": {"type": "ref/file", "path": "/etc/passwd"},
               "argument": {"name": "a", "value": "b"}},
              {"ref": ref, "argument": {"name": 1, "value": 2}}):
        refused(w, message("completion/complete", p), PARAMS)
    said = w.say(message("completion/complete", {
        "ref": ref, "argument": {"name": "arg1", "value": "a" * 1_000_000}}))
    want(len(said) == 1 and len(json.dumps(said)) < 65536, "a long answer")


@trick
def subscriptions_strange(w):
    for p in ({}, {"notifications": "all"}, {"notifications": []},
              {"notifications": {"resourceSubscriptions": "x"}},
              {"notifications": {"resourceSubscriptions": [1]}}):
        said = w.say(message("subscriptions/listen", p), first=True)
        want(said and "result" not in said[0], f"{p}: {said}")
        if "method" in said[0]:
            want(said[0]["method"].endswith("acknowledged"), f"{said}")
