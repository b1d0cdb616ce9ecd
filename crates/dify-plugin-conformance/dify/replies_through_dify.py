"""Every kind of reply that the SDK and the two plugins send, through Dify's own code, from the plugin's standard output
to what a workflow, a chat or a knowledge pipeline gets.

    cargo build -p dify-plugin-conformance -p oxidify
    python replies_through_dify.py --dify DIFY/api --vectors-plugin target/debug/vectors-plugin \
        --oxidify target/debug/oxidify

DIFY is a folder with Dify's source of one version; `python` must have that version's requirements (`uv export --frozen
--all-groups` in DIFY/api tells them). After 1.14, DIFY/dify-agent/src must be in PYTHONPATH, too. Nothing of Dify is
changed. Its database is SQLite and its storage a folder; both are gone afterwards. Prints a line for each check and
ends with 1 when one fails.
"""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

sys.path.insert(0, str(Path(__file__).parent))

import dify_server
from dify_server import ACCOUNT, END_USER
from plugin_daemon import Daemon
from plugin_process import Plugin
from surfaces import NODE, Surfaces

MIB = 1024 * 1024
FAILED = []
# Dify writes every message of a tool to standard output.
OUT, sys.stdout = sys.stdout, open(os.devnull, "w")


def words(text):
    return {"en_US": text, "zh_Hans": text, "ja_JP": text, "pt_BR": text}


def tool(name, **parameters):
    return {
        "identity": {"author": "oxidify", "name": name, "label": words(name)},
        "description": {"human": words(name), "llm": name},
        "parameters": [{"name": parameter, "type": kind, "form": "llm", "required": False, "label": words(parameter),
                        "human_description": words(parameter), "llm_description": parameter}
                       for parameter, kind in parameters.items()],
    }


def tools(name, *declared):
    identity = {"author": "oxidify", "name": name, "label": words(name), "description": words(name),
                "icon": "icon.svg", "tags": []}
    return {"identity": identity, "credentials_schema": [], "tools": list(declared)}


def drives(name, datasource):
    identity = {"author": "oxidify", "name": name, "label": words(name), "description": words(name),
                "icon": "icon.svg"}
    return {"identity": identity, "credentials_schema": [], "provider_type": "online_drive", "datasources": [{
        "identity": {"author": "oxidify", "name": datasource, "label": words(datasource), "icon": "icon.svg"},
        "description": words(datasource), "parameters": []}]}


def pattern(length):
    return (bytes((i * 7 + 3) % 256 for i in range(256)) * (length // 256 + 1))[:length]


def check(where, what, condition, saw=""):
    print(f"{'ok  ' if condition else 'FAIL'} {where:<18} {what}" + (f"  [{str(saw)[:600]}]" if saw != "" else ""),
          file=OUT)
    if not condition:
        FAILED.append(f"{where}: {what}")


class Run:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.daemon = Daemon("server key", "inner key")
        self.children = []
        self.surfaces = Surfaces(arguments.dify)

    def plugin(self, plugin_id, command, declaration, credentials=None, **environment):
        plugin = Plugin(command, {**os.environ, **environment}, credentials, declaration, plugin_id)
        self.daemon.plugins[plugin_id] = plugin
        self.children.append(plugin.process)
        return plugin

    def emulator(self, *command):
        """Starts an emulator; gives the lines it writes before it serves, joined."""
        process = subprocess.Popen([self.arguments.oxidify, "emulate", *command], stdout=subprocess.PIPE, text=True)
        self.children.append(process)
        lines = ""
        while "Ctrl-C" not in lines:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the emulator ended: {lines}")
            lines += line
        return lines

    # Checks of one file.

    def file(self, where, what, file, *, name, mime, extension, kind, content, text=None):
        """What a later node sees of a file, and whether it can read it."""
        if file is None:
            return check(where, f"{what}: a file", False)
        reference = getattr(file, "related_id", None) or getattr(file, "reference", None)
        seen = {"name": file.filename, "mime": file.mime_type, "extension": file.extension, "size": file.size,
                "type": str(getattr(file.type, "value", file.type)),
                "method": str(getattr(file.transfer_method, "value", file.transfer_method))}
        extensions = extension if isinstance(extension, tuple) else (extension,)
        right = (file.mime_type == mime and file.extension in extensions and file.size == len(content)
                 and seen["type"] == kind and seen["method"] == "tool_file" and bool(reference))
        right = right and (file.filename == name if isinstance(name, str) else bool(name.fullmatch(file.filename)))
        check(where, f"{what}: file", right, seen)
        url = file.generate_url()
        answer = build_opener(ProxyHandler({})).open(url, timeout=60)
        body = answer.read()
        check(where, f"{what}: bytes at its URL", body == content and answer.headers.get_content_type() == mime,
              f"{len(body)} bytes, {answer.headers['Content-Type']}, {url.split('?')[0].rsplit('/', 1)[1][36:]}")
        try:
            from core.file.file_manager import download
        except ImportError:
            from graphon.file.file_manager import download
        check(where, f"{what}: bytes in a later node", download(file) == content)
        if text is not None:
            check(where, f"{what}: document extractor", self.extract(file) == text)

    @staticmethod
    def extract(file):
        try:
            from core.workflow.nodes.document_extractor import node
        except ImportError:
            from graphon.nodes.document_extractor import node
        from inspect import signature

        known = signature(node._extract_text_from_file).parameters
        before, more = [], {}
        if "http_client" in known:
            from core.helper.ssrf_proxy import graphon_ssrf_proxy

            before = [graphon_ssrf_proxy]
        if "unstructured_api_config" in known:
            more["unstructured_api_config"] = node.UnstructuredApiConfig()
        return node._extract_text_from_file(*before, file, **more)

    # The SDK's replies.

    def sdk(self):
        command = self.arguments.vectors_plugin
        emit = tool("emit", kind="string", size="number", tag="string")
        fail = tool("fail", error="string", text="string", before="string")
        vec = self.plugin("oxidify/vec", [command, "tool"], tools("vec", emit, fail))
        where = "tool node"
        node = lambda user=ACCOUNT, tool="emit", **parameters: self.surfaces.tool_node(vec, tool, parameters, user)

        for kind, expected in {
            "text": "hello", "text_unicode": "line1\nline2\t\"q\" \\ 你好 😀 <a&b>\u2028",
            "text_many": "part0 part1 part2 ",
            "none": "", "link": "Link: https://example.com/page\n",
        }.items():
            ran = node(kind=kind)
            outputs = ran.result.outputs
            streamed = "".join(text for name, text in ran.streamed if name == "text")
            check(where, f"{kind}", outputs["text"] == expected == streamed, repr(outputs["text"]))
        ran = node(kind="json").result.outputs["json"]
        check(where, "json", ran == [{"a": 1, "b": [1.5, None, True, "x"], "big": 9007199254740993, "f": 1.0}], ran)
        from core.tools.entities.tool_entities import ToolInvokeMessage

        if ToolInvokeMessage.JsonMessage.model_fields["json_object"].annotation is dict:
            self.error(where, "json list, which this version refuses", lambda: node(kind="json_list"), "")
        else:
            ran = node(kind="json_list").result.outputs["json"]
            check(where, "json list", ran == [[{"i": 0}, {"i": 1}]], ran)
        if self.takes_null(ToolInvokeMessage.VariableMessage):
            outputs = node(kind="variable").result.outputs
            saw = {name: value for name, value in outputs.items() if name not in ("text", "json", "files")}
            check(where, "variables", saw == {
                "greeting": "hi", "count": 3, "ratio": 0.5, "flag": True, "nothing": None,
                "items": [1, "two", {"k": None}], "obj": {"k": "v"}}, saw)
        else:
            self.error(where, "null in a variable, which this version refuses", lambda: node(kind="variable"), "")
        ran = node(kind="stream_variable")
        streamed = [text for name, text in ran.streamed if name == "greeting"]
        outputs = ran.result.outputs
        check(where, "streamed variable", outputs["greeting"] == "Hello world" == "".join(streamed), streamed)
        ran = node(kind="log").result
        check(where, "log steps do no harm", str(ran.status.value) == "succeeded" and ran.outputs["text"] == "")
        raw = [message.message for message in self.raw(vec, "emit", {"kind": "log"})]
        steps = [(step.label, str(step.status.value), step.parent_id is not None, step.error) for step in raw]
        check(where, "log steps parsed", steps == [
            ("step one", "start", False, None), ("child", "start", True, None),
            ("child", "error", True, "child failed"), ("step one", "success", False, None)], steps)

        files = lambda ran: list(ran.result.outputs["files"].value)
        pdf = {"mime": "application/pdf", "extension": ".pdf", "kind": "document", "name": "a.pdf"}
        for size in (0, 1, 8192, 8193, 20_000):
            [file] = files(node(kind="blob", size=size))
            self.file(where, f"chunks, {size} bytes", file, content=pattern(size), **pdf)
        [file] = files(node(kind="blob_no_meta"))
        self.file(where, "chunks without meta", file, name=re.compile(r"[0-9a-f]{32}\.bin"),
                  mime="application/octet-stream", extension=".bin", kind="custom", content=b"abc")
        ran = node(kind="two_blobs")
        check(where, "two files and a text", ran.result.outputs["text"] == "between" and len(files(ran)) == 2)
        for file, content in zip(files(ran), (b"first", b"second"), strict=True):
            self.file(where, "one of two files", file, name=re.compile(r"[0-9a-f]{32}\.txt"), mime="text/plain",
                      extension=".txt", kind="document", content=content, text=content.decode())
        for user, whom in ((ACCOUNT, "a member"), (END_USER, "an end user")):
            for kind in ("stream", "stream_unknown"):
                size = 31 * MIB
                [file] = files(node(user, kind=kind, size=size))
                check(where, f"{kind} of 31 MiB is a link", vec.kinds == ["binary_link"], vec.kinds)
                self.file(where, f"31 MiB linked, {kind}, {whom}", file, name="big.bin",
                          mime="application/octet-stream", extension=".bin", kind="custom", content=pattern(size))
        [file] = files(node(kind="stream", size=30 * MIB))
        check(where, "30 MiB are chunks", vec.kinds == ["blob_chunk"], vec.kinds)
        self.file(where, "30 MiB", file, name="big.bin", mime="application/octet-stream", extension=".bin",
                  kind="custom", content=pattern(30 * MIB))

        small = self.plugin("oxidify/small", [command, "tool"], tools("vec", emit, fail), PLUGIN_MAX_FILE_SIZE="1000")
        for user, whom in ((ACCOUNT, "a member"), (END_USER, "an end user")):
            [file] = files(self.surfaces.tool_node(small, "emit", {"kind": "blob", "size": 5000}, user))
            check(where, "a linked PDF", small.kinds == ["binary_link"], small.kinds)
            self.file(where, f"linked, {whom}", file, content=pattern(5000), **pdf)

        for error in ("ValueError", "InvokeAuthorizationError", "InvokeRateLimitError", "InvokeBadRequestError",
                      "InvokeConnectionError", "InvokeServerUnavailableError", "CredentialsValidateFailedError"):
            self.error(where, error, lambda: node(tool="fail", error=error, text="what went wrong"))
        self.error(where, "ValueError", lambda: node(tool="fail", error="ValueError", text="what went wrong",
                                                     before="some text"))
        self.error(where, "panic", lambda: node(kind="panic"), "")
        self.error(where, "broken file", lambda: node(kind="broken_file", size=100_000), "the storage broke")

        self.agents(vec, small)
        self.options_and_validation(vec)

    @staticmethod
    def takes_null(variable):
        try:
            variable(variable_name="nothing", variable_value=None)
        except ValueError:
            return False
        return True

    def error(self, where, what, run, text="what went wrong"):
        """An error is a failed node with our words, or an exception with them."""
        try:
            result = run().result
        except Exception as error:
            # The graph engine makes a failed node of it.
            said, how = str(error), f"{type(error).__name__}"
        else:
            said, how = result.error or "", f"{result.status.value}, {result.error_type}"
            check(where, f"error {what}: the node failed", result.status.value == "failed")
        check(where, f"error {what}", text in said, f"{how}: {said}")

    @staticmethod
    def raw(plugin, tool, parameters):
        from core.plugin.impl.tool import PluginToolManager

        try:
            from core.plugin.entities.plugin_daemon import CredentialType
        except ImportError:
            from core.tools.entities.tool_entities import CredentialType

        kinds = {"credential_type": CredentialType.API_KEY}
        return list(PluginToolManager().invoke(
            tenant_id=dify_server.TENANT, user_id=ACCOUNT, tool_provider=f"{plugin.plugin_id}/vec", tool_name=tool,
            credentials={}, tool_parameters=parameters, **kinds))

    def agents(self, vec, small):
        from core.tools.entities.tool_entities import ToolInvokeMessage

        where = "agent of a chat"
        agent = lambda plugin, user=ACCOUNT, tool="emit", **given: self.surfaces.agent(plugin, tool, given, user)
        check(where, "text", (ran := agent(vec, kind="text")).text == "hello" and not ran.files, ran.text)
        check(where, "json", json.loads((ran := agent(vec, kind="json")).text)["a"] == 1, ran.text)
        if self.takes_null(ToolInvokeMessage.VariableMessage):
            check(where, "variables do no harm", (ran := agent(vec, kind="variable")).error is None, ran.text)
        # Dify gives the model every log step as Python prints it.
        check(where, "log steps do no harm", (ran := agent(vec, kind="log")).error is None, ran.text)
        ran = agent(vec, tool="fail", error="ValueError", text="what went wrong")
        check(where, "error", "what went wrong" in ran.text, ran.text)
        for plugin, what in ((vec, "chunks"), (small, "linked")):
            for user in (ACCOUNT, END_USER):
                ran = agent(plugin, user, kind="blob", size=5000)
                check(where, f"a PDF, {what}: no error", ran.error is None, f"{ran.text!r} {ran.files}")
        where = "agent strategy"
        for plugin, what in ((vec, "chunks"), (small, "linked")):
            [message] = self.surfaces.strategy(plugin, "emit", {"kind": "blob", "size": 5000}, END_USER)
            link = message.message.text
            check(where, f"a PDF, {what}", message.type.value == "binary_link"
                  and re.fullmatch(r"/files/tools/[0-9a-f-]{36}\.pdf", link) is not None
                  and message.meta["mime_type"] == "application/pdf", f"{link[-20:]} {message.meta}")

    def options_and_validation(self, vec):
        from inspect import signature

        from core.plugin.impl.datasource import PluginDatasourceManager
        from core.plugin.impl.dynamic_select import DynamicSelectClient
        from core.plugin.impl.tool import PluginToolManager

        client = DynamicSelectClient()
        asked = {"tenant_id": dify_server.TENANT, "user_id": ACCOUNT, "plugin_id": vec.plugin_id, "provider": "vec",
                 "action": "emit", "credentials": {}, "parameter": "channel"}
        if "credential_type" in signature(client.fetch_dynamic_select_options).parameters:
            asked["credential_type"] = "api-key"
        options = client.fetch_dynamic_select_options(**asked).options
        saw = [(option.value, option.label.en_US, option.label.zh_Hans, option.icon) for option in options]
        check("dynamic select", "options", saw == [
            ("c1", "One", "One", None), ("2", "Two", "二", "https://example.com/i.png")], saw)
        other = {**asked, "parameter": "other"}
        self.error("dynamic select", "no such parameter", lambda: client.fetch_dynamic_select_options(**other),
                   "no options for other")
        validate = lambda credentials: PluginToolManager().validate_provider_credentials(
            dify_server.TENANT, ACCOUNT, f"{vec.plugin_id}/vec", credentials)
        check("validation", "of a tool, good", validate({"mode": "good"}) is True)
        self.error("validation", "of a tool, bad", lambda: validate({"mode": "bad"}), "the key was refused")
        drive = self.plugin("oxidify/drive", [self.arguments.vectors_plugin, "drive"], drives("drive", "drive"),
                            {"secret": "s"})
        validate = lambda secret: PluginDatasourceManager().validate_provider_credentials(
            dify_server.TENANT, ACCOUNT, "drive", drive.plugin_id, {"secret": secret})
        check("validation", "of a datasource, good", validate("s") is True)
        self.error("validation", "of a datasource, bad", lambda: validate("x"), "bad secret")
        self.sdk_drive(drive)

    def sdk_drive(self, drive):
        where = "datasource node"
        info = lambda key: {"bucket": "b1", "id": key}
        node = lambda key, user=ACCOUNT: self.surfaces.datasource_node(drive, "drive", info(key), user)
        for user, whom in ((ACCOUNT, "a member"), (END_USER, "an end user")):
            for key in ("generated/3000000", "unknown/3000000", "generated/4000000", "unknown/4000000",
                        "generated/60000000"):
                size = int(key.split("/")[1])
                ran = node(key, user)
                way = "blob" if size < 3_900_000 else "binary_link"
                check(where, f"{key} is a {way}", drive.kinds == [way], drive.kinds)
                self.file(where, f"{key}, {whom}", ran.result.outputs["file"], name="big.bin",
                          mime="application/octet-stream", extension=".bin", kind="custom", content=pattern(size))
                later = ran.pool.get([NODE, "file"])
                check(where, f"{key}: in the variable pool", later is not None and later.value.size == size)
        file = node("docs/b.pdf").result.outputs["file"]
        self.file(where, "PDF", file, name="b.pdf", mime="application/pdf", extension=".pdf", kind="document",
                  content=pattern(20_000))
        self.error(where, "no such file", lambda: node("missing"), "missing")

    # The plugins.

    def comfyui(self):
        url = re.search(r"http://\S+", self.emulator("comfyui", "--port", "0")).group().rstrip(".")
        declared = tools("comfyui", tool("workflow", workflow_json="string", wait="number"),
                         tool("submit_workflow", workflow_json="string"),
                         tool("get_result", prompt_id="string", wait="number"))
        workflow = json.dumps({
            "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 2, "color": 255}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "pic"}},
        })
        command = [self.arguments.oxidify, "plugin", "comfyui"]
        for limit, what, way in (("", "chunks", "blob_chunk"), ("100", "linked", "image_link")):
            plugin = self.plugin(f"oxidify/comfyui-{what}", command, declared, {"base_url": url},
                                 **({"PLUGIN_MAX_FILE_SIZE": limit} if limit else {}))
            for user, whom in ((ACCOUNT, "a member"), (END_USER, "an end user")):
                ran = self.surfaces.tool_node(plugin, "workflow", {"workflow_json": workflow}, user)
                outputs = ran.result.outputs
                check("ComfyUI", f"workflow, {what}: kinds", way in plugin.kinds, plugin.kinds)
                check("ComfyUI", f"workflow, {what}: outputs", ran.result.status.value == "succeeded",
                      {name: str(value)[:100] for name, value in outputs.items() if name != "files"})
                files = list(outputs["files"].value)
                check("ComfyUI", f"workflow, {what}: two pictures", len(files) == 2)
                about = outputs["json"][0]
                check("ComfyUI", f"workflow, {what}: variables", re.fullmatch(r"[0-9a-f-]{36}", outputs["prompt_id"])
                      and outputs["prompt_id"] == about["prompt_id"] and outputs["seeds"] == {})
                for file in files:
                    content = build_opener(ProxyHandler({})).open(
                        f"{url}/view?filename={file.filename}&type=output").read()
                    self.file("ComfyUI", f"picture, {what}, {whom}", file, name=re.compile(r"pic_\d{5}_\.png"),
                              mime="image/png", extension=".png", kind="image", content=content)
                agent = self.surfaces.agent(plugin, "workflow", {"workflow_json": workflow}, user)
                check("ComfyUI", f"agent, {what}, {whom}: both pictures in the chat", agent.error is None
                      and [file["type"] for file in agent.files] == ["image", "image"]
                      and all(file["upload_file_id"] in file["url"] for file in agent.files),
                      f"{len(agent.text)} characters for the model, {agent.text.count('status=')} log steps in them")
        self.error("ComfyUI", "no workflow",
                   lambda: self.surfaces.tool_node(plugin, "workflow", {"workflow_json": "{"}, ACCOUNT), "workflow")

    def cos(self):
        bucket = self.folder / "cos" / "photos-1250000000"
        (bucket / "docs/more").mkdir(parents=True)
        contents = {"docs/a 文件.txt": "hello 你好".encode(), "docs/large.txt": b"0123456789abcde\n" * (6 * MIB // 16),
                    "docs/picture.png": pattern(6_000_000), "docs/more/r.pdf": pattern(1000)}
        for number in range(45):
            contents[f"docs/more/{number:02}.md"] = b"# title"
        for name, content in contents.items():
            (bucket / name).write_bytes(content)
        said = self.emulator("cos", "--port", "0", "--root", str(bucket.parent))
        value = lambda name: re.search(rf"{name}: +(\S+)", said).group(1)
        credentials = {"secret_id": value("secret id"), "secret_key": value("secret key"), "region": "ap-guangzhou",
                       "endpoint": value("endpoint")}
        name = "tencent_cos_storage"
        command = [self.arguments.oxidify, "plugin", name]
        plugin = self.plugin("oxidify/cos", command, drives(name, name), credentials)
        drive = self.surfaces.drive(plugin, name)
        [page] = self.surfaces.browse(drive, ACCOUNT)
        check("COS browse", "buckets", [entry["bucket"] for entry in page["result"]] == [bucket.name], page)
        [page] = self.surfaces.browse(drive, ACCOUNT, bucket.name, "docs/", 2)
        [entry] = page["result"]
        check("COS browse", "a page", len(entry["files"]) == 2 and entry["is_truncated"]
              and entry["next_page_parameters"], entry)
        found = self.surfaces.import_folder(drive, ACCOUNT, bucket.name, "docs/")
        check("COS import", "a folder and those in it, over pages", {file["id"] for file in found} == set(contents)
              and len(found) == len(contents), len(found))
        files = {"docs/a 文件.txt": ("text/plain", ".txt", "document", "blob"),
                 "docs/large.txt": ("text/plain", ".txt", "document", "binary_link"),
                 "docs/picture.png": ("image/png", ".png", "image", "binary_link")}
        for user, whom in ((ACCOUNT, "a member"), (END_USER, "an end user")):
            for key, (mime, extension, kind, way) in files.items():
                info = {"bucket": bucket.name, "id": key, "name": key.rsplit("/", 1)[1]}
                ran = self.surfaces.datasource_node(plugin, name, info, user)
                check("COS node", f"{key} is a {way}", plugin.kinds == [way], plugin.kinds)
                text = contents[key].decode() if kind == "document" else None
                self.file("COS node", f"{key}, {whom}", ran.result.outputs["file"], name=info["name"], mime=mime,
                          extension=extension, kind=kind, content=contents[key], text=text)
        self.error("COS node", "no such object", lambda: self.surfaces.datasource_node(
            plugin, name, {"bucket": bucket.name, "id": "nowhere"}, ACCOUNT), "nowhere")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dify", required=True, type=Path, help="the folder api of Dify's source")
    parser.add_argument("--vectors-plugin", required=True, type=os.path.abspath)
    parser.add_argument("--oxidify", required=True, type=os.path.abspath)
    arguments = parser.parse_args()
    arguments.dify = arguments.dify.resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        run = Run(arguments, folder)
        port = dify_server.prepare(arguments.dify, folder, run.daemon)
        logging.disable(logging.CRITICAL)
        app = dify_server.start(folder, port)
        try:
            with app.app_context():
                for part in (run.sdk, run.comfyui, run.cos):
                    try:
                        part()
                    except Exception:
                        traceback.print_exc()
                        FAILED.append(f"{part.__name__} broke off")
        finally:
            for child in run.children:
                child.kill()
    print(f"{len(FAILED)} failed", *FAILED, sep="\n  ", file=OUT, flush=True)
    # Dify's own threads do not end.
    os._exit(1 if FAILED else 0)


main()
