# SPDX-License-Identifier: GPL-2.0-or-later
"""Chat completions as OpenAI has them, and whoever speaks likewise."""
import json

from dialect import USAGE, Dialect, closed, dumps, fragments, tags, want


class OpenAI(Dialect):
    FINISH = {"stop": "stop", "length": "length", "calls": "tool_calls",
              "refused": "stop", "filtered": "content_filter"}

    def key(self):
        scheme, _, key = self.request.headers.get(
            "authorization", "").partition(" ")
        return key if scheme == "Bearer" else None

    def forced(self):
        choice = self.body.get("tool_choice")
        if isinstance(choice, dict):
            return choice["function"]["name"]
        if choice == "required":
            return self.body["tools"][0]["function"]["name"]
        return None

    def check(self):
        asked = set()
        for m in self.body["messages"]:
            want(m["role"] in ("system", "developer", "user", "assistant",
                               "tool"), f"no role {m['role']!r}")
            if m["role"] == "tool":
                want(m["tool_call_id"] in asked,
                     "a tool's answer that no call asks for")
                want(isinstance(m["content"], str), "content is no text")
                asked.discard(m["tool_call_id"])
                continue
            want(not asked, "a call of a tool is not answered")
            for call in m.get("tool_calls") or []:
                want(call["type"] == "function", "a call of no function")
                want(isinstance(call["function"]["arguments"], str),
                     "arguments are no string")
                json.loads(call["function"]["arguments"])
                asked.add(call["id"])
            want(m.get("content") or m.get("tool_calls"), "an empty message")
        want(not asked, "a call of a tool is not answered")
        tools = self.body.get("tools")
        want(tools is None or tools, "[] is too short - 'tools'")
        for t in tools or []:
            want(t["type"] == "function", "a tool that is no function")
            want(t["function"]["parameters"].get("type") == "object",
                 "parameters are no object")
            if t["function"].get("strict"):
                closed(t["function"]["parameters"], "tool")
        if self.forced():
            want(self.forced() in [t["function"]["name"] for t in tools],
                 "tool_choice names no tool")
        want("stream_options" not in self.body or self.body.get("stream"),
             "stream_options without stream")
        self.check_format(self.body.get("response_format"))

    def check_format(self, form):
        if form is None:
            return
        want(form["type"] in ("json_schema", "json_object", "text"),
             f"no response_format {form['type']!r}")
        if form["type"] == "json_schema":
            want(form["json_schema"]["name"], "a schema without name")
            if form["json_schema"].get("strict"):
                closed(form["json_schema"]["schema"])
        if form["type"] == "json_object":
            want("json" in dumps(self.body["messages"]).lower(),
                 "'messages' must contain the word 'json'")

    def models(self):
        return dumps({"object": "list", "data": [
            {"id": "test-model", "object": "model", "owned_by": "tests"}]
        }).encode()

    def error(self, message, kind, code=None):
        return dumps({"error": {"message": message, "type": kind,
                                     "param": None, "code": code}}).encode()

    def usage(self, u):
        return {"prompt_tokens": u["in"], "completion_tokens": u["out"],
                "total_tokens": u["in"] + u["out"],
                "prompt_tokens_details": {"cached_tokens": u["cached"]}}

    def finish(self, answer, calls):
        return self.FINISH[answer.get("finish", "calls" if calls else "stop")]

    def call(self, call, how):
        args = call["arguments"]
        out = {"id": call["id"], "type": "function", "function": {
            "name": call["name"],
            "arguments": args if how == "object" else dumps(args)}}
        if how == "no_id":
            del out["id"]
        return out

    def whole(self, answer, fault):
        """The answer without streaming."""
        text, calls = self.put(answer)
        message = {"role": "assistant", "content": text}
        if answer.get("finish") == "refused":
            message.update(content=None, refusal=text)
        if "thinking" in answer:
            message["reasoning_content"] = answer["thinking"]
        how = fault.get("calls")
        if how == "text":
            message["content"] = (text or "") + tags(calls)
        elif calls:
            message["tool_calls"] = [self.call(c, how) for c in calls]
        out = {"id": "chatcmpl-1", "object": "chat.completion",
               "created": 1767323045, "model": self.name(answer), "choices": [
                   {"index": 0, "message": message, "logprobs": None,
                    "finish_reason": self.finish(answer, calls)}]}
        if "choices" in fault:
            out["choices"] = fault["choices"]
            if fault["choices"] == "missing":
                del out["choices"]
        u = answer.get("usage", USAGE)
        if u is not None:
            out["usage"] = self.usage(u)
        return dumps(out)

    def events(self, answer, fault):
        """The answer as a stream: [(event, data)]."""
        text, calls = self.put(answer)
        base = {"id": "chatcmpl-1", "object": "chat.completion.chunk",
                "created": 1767323045, "model": self.name(answer)}
        out = []

        def say(delta, finish=None, **more):
            out.append((None, dumps({**base, "choices": [
                {"index": 0, "delta": delta, "finish_reason": finish}],
                **more})))

        say({"role": "assistant", "content": ""})
        for s in fragments(answer.get("thinking", "")):
            say({"reasoning_content": s})
        how = fault.get("calls")
        if how == "text":
            text, calls = (text or "") + tags(calls), []
        field = "refusal" if answer.get("finish") == "refused" else "content"
        for s in self.split(text or "", answer):
            say({field: s})
        for i, c in enumerate(calls):
            for d in self.call_fragments(i, c, how, answer.get("grain", 3)):
                say({"tool_calls": [d]})
        say({}, self.finish(answer, calls))
        u = answer.get("usage", USAGE)
        if u is not None and self.body.get("stream_options", {}).get(
                "include_usage"):
            last = {**base, "choices": fault.get("choices", []),
                    "usage": self.usage(u)}
            if fault.get("choices") == "missing":
                del last["choices"]
            out.append((None, dumps(last)))
        out.append((None, "[DONE]"))
        return out

    def call_fragments(self, i, call, how, grain=3):
        first = {"index": i, **self.call(call, how)}
        args = first["function"]["arguments"]
        if how in ("object", "whole"):
            out = [first]
        else:
            first["function"]["arguments"] = ""
            out = [first] + [{"index": i, "function": {"arguments": s}}
                             for s in fragments(args, grain)]
        if how == "no_index":
            for d in out:
                del d["index"]
        return out

    def stream_error(self, message, kind):
        return (None, self.error(message, kind).decode())
