# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages as Anthropic has them."""
import json

from dialect import USAGE, Dialect, closed, dumps, fragments, tags, want


class Anthropic(Dialect):
    FINISH = {"stop": "end_turn", "length": "max_tokens", "calls": "tool_use",
              "refused": "refusal", "filtered": "refusal"}

    def key(self):
        return self.request.headers.get("x-api-key")

    def forced(self):
        choice = self.body.get("tool_choice") or {}
        if choice.get("type") == "tool":
            return choice["name"]
        if choice.get("type") == "any":
            return self.body["tools"][0]["name"]
        return None

    def check(self):
        want(self.request.headers.get("anthropic-version") == "2023-06-01",
             "anthropic-version: header is required")
        want(isinstance(self.body.get("max_tokens"), int)
             and self.body["max_tokens"] > 0, "max_tokens: Field required")
        asked, last = set(), None
        for m in self.body["messages"]:
            want(m["role"] in ("user", "assistant"), f"no role {m['role']!r}")
            want(m["role"] != last, "roles must alternate")
            last = m["role"]
            blocks = m["content"]
            want(blocks, "messages: text content blocks must be non-empty")
            if isinstance(blocks, str):
                blocks = [{"type": "text", "text": blocks}]
            results = {b["tool_use_id"] for b in blocks
                       if b["type"] == "tool_result"}
            want(results == asked,
                 "tool_use ids without tool_result blocks, or the reverse")
            asked = {b["id"] for b in blocks if b["type"] == "tool_use"}
            for b in blocks:
                want(b["type"] != "text" or b["text"].strip(),
                     "text content blocks must contain non-whitespace text")
                want(b["type"] != "tool_use" or isinstance(b["input"], dict),
                     "tool_use.input: not a dictionary")
        want(self.body["messages"][0]["role"] == "user",
             "first message must use the user role")
        want(not asked, "tool_use ids without tool_result blocks")
        for t in self.body.get("tools", []):
            want(t["input_schema"].get("type") == "object",
                 "input_schema.type: Field required")
            if t.get("strict"):
                closed(t["input_schema"], "tool")
        if self.forced():
            want(self.forced() in [t["name"] for t in self.body["tools"]],
                 "tool_choice names no tool")
        form = self.body.get("output_config", {}).get("format")
        if form is not None:
            want(form["type"] == "json_schema", "no such output format")
            closed(form["schema"])
        for other in ("response_format", "stream_options", "tool_calls"):
            want(other not in self.body,
                 f"{other}: Extra inputs are not permitted")

    def models(self):
        return dumps({"data": [
            {"type": "model", "id": "test-model", "display_name": "test",
             "created_at": "2026-01-02T03:04:05Z"}], "has_more": False,
            "first_id": "test-model", "last_id": "test-model"}).encode()

    def error(self, message, kind, code=None):
        return dumps({"type": "error", "request_id": "req_1", "error": {
            "type": code or kind, "message": message}}).encode()

    def usage(self, u, out):
        return {"input_tokens": u["in"] - u["cached"],
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": u["cached"], "output_tokens": out}

    def blocks(self, answer, fault):
        text, calls = self.put(answer)
        out = []
        if "thinking" in answer:
            out.append({"type": "thinking", "thinking": answer["thinking"],
                        "signature": "c2ln"})
        if fault.get("calls") == "text":
            text, calls = (text or "") + tags(calls), []
        if text:
            out.append({"type": "text", "text": text})
        for c in calls:
            b = {"type": "tool_use", "id": c["id"], "name": c["name"],
                 "input": c["arguments"]}
            if fault.get("calls") == "no_id":
                del b["id"]
            out.append(b)
        return out

    def message(self, answer, blocks, usage):
        calls = any(b["type"] == "tool_use" for b in blocks)
        finish = answer.get("finish", "calls" if calls else "stop")
        out = {"id": "msg_1", "type": "message", "role": "assistant",
               "model": self.name(answer), "content": blocks,
               "stop_reason": self.FINISH[finish], "stop_sequence": None}
        if usage is not None:
            out["usage"] = usage
        return out

    def whole(self, answer, fault):
        u = answer.get("usage", USAGE)
        out = self.message(answer, self.blocks(answer, fault),
                           u and self.usage(u, u["out"]))
        if "choices" in fault:
            out["content"] = fault["choices"]
        return dumps(out)

    def events(self, answer, fault):
        blocks = self.blocks(answer, fault)
        u = answer.get("usage", USAGE)
        last = self.message(answer, blocks, None)
        start = {**last, "content": [], "stop_reason": None}
        if u is not None:
            start["usage"] = self.usage(u, 1)
        out = []

        def say(kind, **rest):
            out.append((kind, dumps({"type": kind, **rest})))

        say("message_start", message=start)
        for i, b in enumerate(blocks):
            empty, deltas = self.deltas(b, fault.get("calls"), answer)
            say("content_block_start", index=i, content_block=empty)
            for d in deltas:
                say("content_block_delta", index=i, delta=d)
            say("content_block_stop", index=i)
        end = {"delta": {"stop_reason": last["stop_reason"],
                         "stop_sequence": None}}
        if u is not None:
            end["usage"] = {"output_tokens": u["out"]}
        say("message_delta", **end)
        say("message_stop")
        if fault.get("calls") == "no_index":
            out = [(k, dumps({n: v for n, v in json.loads(d).items()
                                   if n != "index"})) for k, d in out]
        return out

    def deltas(self, block, how, answer):
        """A block's empty form and what fills it."""
        kind = block["type"]
        if kind == "text":
            return {**block, "text": ""}, [
                {"type": "text_delta", "text": s}
                for s in self.split(block["text"], answer)]
        if kind == "thinking":
            return {**block, "thinking": "", "signature": ""}, [
                {"type": "thinking_delta", "thinking": s}
                for s in fragments(block["thinking"])] + [
                {"type": "signature_delta", "signature": block["signature"]}]
        if how == "object" and isinstance(block["input"], dict):
            return block, []
        text = block["input"] if how == "object" else dumps(block["input"])
        return {**block, "input": {}}, [
            {"type": "input_json_delta", "partial_json": s}
            for s in [""] + fragments(text, answer.get("grain", 3))]

    def stream_error(self, message, kind):
        return ("error", self.error(message, kind).decode())
