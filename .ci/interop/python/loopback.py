"""Servers on loopback: a Runs API that sends one body whatever it is asked, and a model that follows a script."""

import itertools
import json
import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serve(answer):
    """Serves what answer makes of each request, a path and a body, as JSON, and yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        # Its HTTP/1.0 ends each connection: some clients keep theirs beyond the event loop of a test.

        def do_GET(self):
            body = answer(self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def replay(body):
    """Serves body, whatever the request. Yields the base URL, and a queue of the paths that were asked for."""
    paths = queue.Queue()

    def answer(path, _):
        paths.put(path)
        return body

    with serve(answer) as base_url:
        yield base_url, paths


class Model:
    """A model that answers each request with the next turn of its script.

    A turn is a list of calls, each a tool's name and its arguments, or the final text. The model
    speaks OpenAI's Chat Completions and Responses.
    """

    def __init__(self, *turns):
        self.turns = iter(turns)
        self.call_ids = itertools.count(1)
        self.requests = []

    @contextmanager
    def serve(self):
        with serve(self.answer) as self.base_url:
            yield

    def answer(self, path, body):
        self.requests.append(json.loads(body))
        turn = next(self.turns)
        calls = [] if isinstance(turn, str) else [
            (f"call_{next(self.call_ids)}", name, json.dumps(arguments)) for name, arguments in turn
        ]
        shape = completion if path.endswith("/chat/completions") else response
        return json.dumps(shape(calls, turn if not calls else None)).encode()

    def offered(self):
        """The tools that the model was offered: a dictionary from names to input schemas."""
        tools = [tool.get("function", tool) for tool in self.requests[0]["tools"]]
        return {tool["name"]: tool["parameters"] for tool in tools}

    def results(self):
        """The texts that the model has seen as results of its calls, in the order of the calls."""
        last = self.requests[-1]
        results = {m["tool_call_id"]: m["content"] for m in last.get("messages", []) if m["role"] == "tool"}
        results |= {i["call_id"]: i["output"] for i in last.get("input", []) if i.get("type") == "function_call_output"}
        in_order = sorted(results, key=lambda call_id: int(call_id.removeprefix("call_")))
        return [text(results[call_id]) for call_id in in_order]


def text(content):
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def completion(calls, answer):
    message = {"role": "assistant", "content": answer}
    if calls:
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call_id, name, arguments in calls
        ]
    return {
        "id": "chatcmpl_1", "object": "chat.completion", "created": 0, "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def response(calls, answer):
    output = [
        {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name, "arguments": arguments, "status": "completed"}
        for call_id, name, arguments in calls
    ]
    if answer:
        content = [{"type": "output_text", "text": answer, "annotations": []}]
        output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}]
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": "resp_1", "object": "response", "created_at": 0, "model": "scripted", "status": "completed",
        "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": usage,
    }
