"""What stands between Dify and a plugin: the part of the plugin daemon's HTTP interface that Dify calls for tools
and datasources, over a plugin that runs as a child process.

Every line of the plugin is handed on as the daemon hands it on: `stream` as a `data:` line with code 0, `error` as
one with code -500, `end` closes the answer. `upload_file` is asked of Dify's inner API.
"""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

ACTIONS = {
    "tool/invoke": ("tool", "invoke_tool"),
    "tool/validate_credentials": ("tool", "validate_tool_credentials"),
    "dynamic_select/fetch_parameter_options": ("dynamic_parameter", "fetch_parameter_options"),
    "datasource/validate_credentials": ("datasource", "validate_datasource_credentials"),
    "datasource/online_drive_browse_files": ("datasource", "invoke_online_drive_browse_files"),
    "datasource/online_drive_download_file": ("datasource", "invoke_online_drive_download_file"),
}
class Daemon:
    """The HTTP server. `inner_api` is set when Dify's own server runs."""

    def __init__(self, server_key, inner_api_key):
        self.server_key, self.inner_api_key = server_key, inner_api_key
        self.inner_api = None
        self.plugins = {}
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                daemon.management(self)

            def do_POST(self):
                daemon.dispatch(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def management(self, handler):
        """The declaration of a provider, or of every plugin."""
        url = urlsplit(handler.path)
        asked = parse_qs(url.query)
        plugin = self.plugins.get(asked.get("plugin_id", [""])[0])
        if url.path.endswith(("/management/tool", "/management/datasource")) and plugin:
            data = {
                "id": str(uuid.uuid4()),
                "created_at": "2024-01-01T00:00:00Z",
                "updated_at": "2024-01-01T00:00:00Z",
                "tenant_id": url.path.split("/")[2],
                "provider": asked["provider"][0],
                "plugin_unique_identifier": f"{plugin.plugin_id}:0.1.0@{'0' * 64}",
                "plugin_id": plugin.plugin_id,
                "is_authorized": True,
                "declaration": plugin.declaration,
                "meta": {"version": "0.1.0"},
            }
            body = {"code": 0, "message": "success", "data": data}
        elif url.path.endswith("/management/list"):
            body = {"code": 0, "message": "success", "data": {"list": [], "total": 0}}
        elif url.path.endswith("/management/tools"):
            body = {"code": 0, "message": "success", "data": []}
        else:
            body = {"code": -404, "message": f"nothing at {handler.path}", "data": None}
        body = json.dumps(body).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def dispatch(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        path = urlsplit(handler.path).path
        tenant, action = path.split("/")[2], path.split("/dispatch/")[1]
        plugin = self.plugins[handler.headers["X-Plugin-ID"]]
        assert handler.headers["X-Api-Key"] == self.server_key
        kind, name = ACTIONS[action]
        user = body.get("user_id") or ""
        # Dify's own credentials are encrypted in its database; here the plugin's come from whoever started it.
        data = {**body["data"], "user_id": user, "type": kind, "action": name}
        if "validate" not in name:
            data["credentials"] = plugin.credentials
        about = {name: body.get(name) for name in ("conversation_id", "message_id", "app_id")}
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        plugin.kinds = []
        for message in plugin.call(data, about, lambda invoke: self.call_back(tenant, user, invoke)):
            if message["type"] == "error":
                text = {"message": json.dumps(message["data"]), "error_type": "PluginInvokeError", "args": None}
                return self.event(handler, -500, json.dumps(text), None)
            if (said := message["data"].get("type")) and said not in plugin.kinds:
                plugin.kinds.append(said)
            self.event(handler, 0, "success", message["data"])

    @staticmethod
    def event(handler, code, message, data):
        line = json.dumps({"code": code, "message": message, "data": data})
        handler.wfile.write(f"data: {line}\n\n".encode())
        handler.wfile.flush()

    def call_back(self, tenant, user, invoke):
        """Asks Dify for the address of an upload; gives its answer, and what went wrong."""
        if invoke["type"] != "upload_file":
            return None, f"{invoke['type']} is not known here"
        asked = {**invoke["request"], "tenant_id": tenant, "user_id": user, "type": "upload_file"}
        request = Request(f"{self.inner_api}/inner/api/upload/file/request", json.dumps(asked).encode(),
                          {"Content-Type": "application/json", "X-Inner-Api-Key": self.inner_api_key})
        said = json.load(build_opener(ProxyHandler({})).open(request, timeout=10))
        return said["data"], said.get("error")
