"""Runs graphon's tool node, which Dify's workflows are made of since 1.14, on what a plugin writes to its standard
output. Needs `graphon` alone, nothing of Dify's source.

Reads one JSON object: `command` of the plugin and its `environment`, and `calls`, a list of `tool` and `parameters`.
Writes a list of what the node of each call ended with: `status`, `error`, `outputs`, `streamed` texts by variable, and
the `kinds` of messages that came. The bytes of a file stand there as their length and SHA-256.

What Dify does between a plugin and this node is done here too, as far as the node needs it: base64 is decoded, a file
that the plugin uploads gets an id and is kept.
"""

import base64
import hashlib
import json
import mimetypes
import os
import sys
import threading
import time
import uuid
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent))

from graphon.file.enums import FileTransferMethod
from graphon.file.file_factory import get_file_type_by_mime_type
from graphon.file.models import File
from graphon.model_runtime.entities.llm_entities import LLMUsage
from graphon.nodes.tool.exc import ToolNodeError
from graphon.nodes.tool.tool_node import ToolNode
from graphon.nodes.tool_runtime_entities import ToolRuntimeHandle, ToolRuntimeMessage, ToolRuntimeParameter
from graphon.runtime import InitParams, RuntimeState, VariablePool
from plugin_process import Plugin


class ToolFiles:
    """The node's files: those it saves itself, and those that were uploaded."""

    def __init__(self):
        self.kept = {}

    def create_file_by_raw(self, *, file_binary, mimetype, filename=None):
        made = str(uuid.uuid4())
        self.kept[made] = (file_binary, mimetype, filename or f"{made}{extension_of(mimetype)}")
        return SimpleNamespace(id=made)

    def get_file_generator_by_tool_file_id(self, tool_file_id):
        if tool_file_id not in self.kept:
            return None, None
        return iter([self.kept[tool_file_id][0]]), self.file(tool_file_id)

    def file(self, tool_file_id):
        content, mime_type, name = self.kept[tool_file_id]
        return File(file_type=get_file_type_by_mime_type(mime_type), transfer_method=FileTransferMethod.TOOL_FILE,
                    reference=tool_file_id, filename=name, mime_type=mime_type, extension=extension_of(mime_type),
                    size=len(content))


def extension_of(mime_type):
    return mimetypes.guess_extension(mime_type) or ".bin"


class Uploads:
    """Takes a multipart upload and answers as Dify does."""

    def __init__(self, files):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
                form = BytesParser(policy=HTTP).parsebytes(head + self.body())
                [part] = form.iter_parts()
                content, mime_type = part.get_payload(decode=True), part.get_content_type()
                made = files.create_file_by_raw(file_binary=content, mimetype=mime_type, filename=part.get_filename())
                answer = json.dumps({"id": made.id, "name": part.get_filename(), "size": len(content),
                                     "extension": extension_of(mime_type), "mime_type": mime_type}).encode()
                self.send_response(201)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def body(self):
                if length := self.headers["Content-Length"]:
                    return self.rfile.read(int(length))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                return body

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/files/upload/for-plugin"


class Runtime:
    """What the workflow engine asks of its surroundings, answered by the plugin."""

    def __init__(self, plugin, parameters, files, uploads):
        self.plugin, self.parameters, self.files, self.uploads = plugin, parameters, files, uploads
        self.kinds = []

    def get_runtime(self, **_):
        return ToolRuntimeHandle(raw=None)

    def get_runtime_parameters(self, **_):
        return [ToolRuntimeParameter(name=name) for name in self.parameters]

    def get_usage(self, **_):
        return LLMUsage.empty_usage()

    def build_file_reference(self, *, mapping):
        return self.files.file(mapping["tool_file_id"])

    def invoke(self, *, tool_runtime, tool_parameters, workflow_call_depth, provider_name):
        data = {"user_id": "somebody", "type": "tool", "action": "invoke_tool", "provider": provider_name,
                "tool": self.tool, "credentials": {}, "credential_type": "api-key",
                # The node gives texts; Dify makes them what the tool declares.
                "tool_parameters": self.parameters}
        for said in self.plugin.call(data, {}, lambda _: ({"url": self.uploads.url}, None)):
            if said["type"] == "error":
                raise ToolNodeError(f"{said['data']['error_type']}: {said['data']['message']}")
            message = said["data"]
            if message["type"] not in self.kinds:
                self.kinds.append(message["type"])
            if message["type"] in ("blob", "blob_chunk"):
                message["message"]["blob"] = base64.b64decode(message["message"]["blob"], validate=True)
            yield ToolRuntimeMessage.model_validate(message)


def run(plugin, call, files, uploads):
    parameters = call["parameters"]
    data = {"type": "tool", "title": "a tool", "provider_id": "vec", "provider_type": "plugin", "provider_name": "vec",
            "tool_name": call["tool"], "tool_label": call["tool"], "tool_configurations": {}, "tool_node_version": "2",
            "tool_parameters": {name: {"type": "constant", "value": value} for name, value in parameters.items()}}
    runtime = Runtime(plugin, parameters, files, uploads)
    runtime.tool = call["tool"]
    state = RuntimeState(workflow_id="w", variable_pool=VariablePool(), start_at=time.perf_counter())
    init = InitParams(workflow_id="w", graph_config={"nodes": [], "edges": []}, run_context={}, call_depth=0)
    node = ToolNode("node", ToolNode.validate_node_data(data), init_params=init, runtime_state=state,
                    tool_file_manager=files, runtime=runtime)
    node.bind_execution_id(str(uuid.uuid4()))
    result, streamed = None, {}
    for event in node.run():
        result = getattr(event, "node_run_result", result)
        if chunk := getattr(event, "chunk", None):
            streamed.setdefault(event.selector[1], []).append(chunk)
    outputs = dict(result.outputs)
    if "files" in outputs:
        outputs["files"] = [shown(file, files) for file in outputs["files"].value]
    return {"status": result.status.value, "error": result.error, "outputs": outputs, "streamed": streamed,
            "kinds": runtime.kinds}


def shown(file, files):
    content = files.kept[file.reference][0]
    return {"name": file.filename, "mime_type": file.mime_type, "type": file.type.value, "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(), "transfer_method": file.transfer_method.value}


def main():
    task = json.load(sys.stdin)
    files = ToolFiles()
    uploads = Uploads(files)
    plugin = Plugin(task["command"], {**os.environ, **task["environment"]})
    try:
        json.dump([run(plugin, call, files, uploads) for call in task["calls"]], sys.stdout)
    finally:
        plugin.process.kill()
    sys.stdout.flush()
    os._exit(0)


main()
