"""Runs a workflow by the calls that the official ComfyUI plugin makes, in their order: upload each picture, open the
WebSocket, submit, read events until no node executes, read the history, view each output and send it as a blob."""

import json
import mimetypes
import uuid

import requests
import requests_cache  # noqa: F401  It and PIL are what other tools of the official plugin load at the start.
import websocket
from dify_plugin import Tool
from PIL import Image  # noqa: F401
from yarl import URL


class Workflow(Tool):
    def _invoke(self, tool_parameters):
        server = URL(self.runtime.credentials["base_url"])
        prompt = json.loads(tool_parameters["workflow_json"])
        loaders = [node for node in prompt.values() if node["class_type"] == "LoadImage"]
        for node, image in zip(loaders, tool_parameters["images"]):
            form = {"image": (image.filename, image.blob, image.mime_type)}
            node["inputs"]["image"] = requests.post(str(server / "upload" / "image"), files=form).json()["name"]

        client = str(uuid.uuid4())
        socket = websocket.WebSocket()
        socket.connect(f"ws://{server.authority}/ws?clientId={client}")
        submission = {"client_id": client, "prompt": prompt}
        prompt_id = requests.post(str(server / "prompt"), json=submission).json()["prompt_id"]
        while True:
            frame = socket.recv()
            if not isinstance(frame, str):
                continue
            event = json.loads(frame)
            data = event["data"]
            if event["type"] == "executing" and data["node"] is None and data["prompt_id"] == prompt_id:
                break
        socket.close()

        # The server does not know the parameter and sends all of its history, as to the official plugin.
        history = requests.get(str(server / "history"), params={"prompt_id": prompt_id}).json()[prompt_id]
        for output in history["outputs"].values():
            for file in output.get("images", []):
                content = requests.get(str(server / "view"), params=file).content
                media_type = mimetypes.guess_type(file["filename"])[0]
                yield self.create_blob_message(content, meta={"filename": file["filename"], "mime_type": media_type})
