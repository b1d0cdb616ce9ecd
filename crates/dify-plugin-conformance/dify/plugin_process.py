"""A plugin in a child process, spoken to as the plugin daemon does: a JSON object a line, both ways."""

import json
import queue
import subprocess
import threading
import uuid

SILENCE = 120


class Plugin:
    """`kinds` tells of what kinds the messages of the last call were, in order of appearance."""

    def __init__(self, command, environment, credentials=None, declaration=None, plugin_id=""):
        self.credentials = credentials or {}
        self.declaration = declaration
        self.plugin_id = plugin_id
        self.kinds = []
        self.sessions = {}
        self.lock = threading.Lock()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            message = json.loads(line) if line.strip() else {}
            if message.get("event") == "session" and (session := self.sessions.get(message["session_id"])):
                session.put(message["data"])
        for session in list(self.sessions.values()):
            session.put({"type": "error", "data": {"error_type": "Gone", "message": "the plugin ended", "args": {}}})

    def write(self, line):
        with self.lock:
            self.process.stdin.write(json.dumps(line).encode() + b"\n")
            self.process.stdin.flush()

    def call(self, data, about, call_back):
        """Makes a call; gives its session messages until the end, those of type `stream` and `error`.

        `data` is the request, `about` the other keys of its line. `call_back` is asked what the plugin asks of Dify;
        it gives an answer and what went wrong."""
        session, lines = str(uuid.uuid4()), queue.Queue()
        self.sessions[session] = lines
        self.write({"session_id": session, "conversation_id": None, "message_id": None, "app_id": None,
                    "endpoint_id": None, "context": {}, **about, "event": "request", "data": data})
        try:
            while (message := lines.get(timeout=SILENCE))["type"] != "end":
                if message["type"] == "invoke":
                    self.answer(session, message["data"], *call_back(message["data"]))
                    continue
                yield message
                if message["type"] == "error":
                    return
        finally:
            del self.sessions[session]

    def answer(self, session, invoke, response, problem):
        events = [("error", problem, None)] if problem else [("response", "struct", response)]
        for event, message, data in [*events, ("end", "", None)]:
            self.write({"session_id": session, "event": "backwards_response", "data": {
                "backwards_request_id": invoke["backwards_request_id"], "event": event, "message": message,
                "data": data}})
