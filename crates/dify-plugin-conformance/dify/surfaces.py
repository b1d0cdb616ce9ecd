"""The places in Dify that read a plugin's replies, each run with Dify's own classes: the workflow's tool node, the
agent of a chat, a tool called by an agent strategy, and the datasource node of a knowledge pipeline.

The tool node of 1.9 is in `core/workflow/nodes`; that of 1.14 is graphon's and Dify gives it a runtime.
"""

import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

from dify_server import END_USER, TENANT

APP = "00000000-0000-4000-8000-0000000000aa"
NODE = "node1"


class Surfaces:
    def __init__(self, api):
        self.own_nodes = (Path(api) / "core/workflow/nodes/tool/tool_node.py").exists()

    # The nodes.

    def tool_node(self, plugin, tool, parameters, user):
        """Runs a workflow's tool node to its end; gives what it ended with, and the texts it streamed."""
        data = {
            "type": "tool", "title": "a tool", "provider_id": provider_id(plugin), "provider_type": "builtin",
            "provider_name": provider_id(plugin), "tool_name": tool, "tool_label": tool, "tool_configurations": {},
            "tool_parameters": {name: {"type": "constant", "value": value} for name, value in parameters.items()},
            "tool_node_version": "2",
        }
        if self.own_nodes:
            from core.workflow.nodes.tool.tool_node import ToolNode
        else:
            from graphon.nodes.tool.tool_node import ToolNode
        return self.run(ToolNode, data, {}, user, self.for_tools)

    def datasource_node(self, plugin, datasource, info, user):
        """Runs the datasource node of a knowledge pipeline to its end."""
        name = plugin.declaration["identity"]["name"]
        data = {"type": "datasource", "title": "a drive", "plugin_id": plugin.plugin_id, "provider_name": name,
                "provider_type": "online_drive", "datasource_name": datasource, "datasource_parameters": {}}
        from core.workflow.nodes.datasource.datasource_node import DatasourceNode

        system = {"datasource_type": "online_drive", "datasource_info": dict(info)}
        return self.run(DatasourceNode, data, system, user, lambda _: {})

    def for_tools(self, context):
        if self.own_nodes:
            return {}
        from core.workflow.node_runtime import DifyToolFileManager, DifyToolNodeRuntime

        return {"tool_file_manager": DifyToolFileManager(context), "runtime": DifyToolNodeRuntime(context)}

    def run(self, node_class, data, system, user, more):
        user_from, invoke_from = ("end-user", "service-api") if user == END_USER else ("account", "debugger")
        ids = {"tenant_id": TENANT, "app_id": APP, "user_id": user, "user_from": user_from, "invoke_from": invoke_from}
        graph = {"nodes": [{"id": NODE, "data": data}], "edges": []}
        if self.own_nodes and self.old_state():
            node, pool = self.older_node(node_class, data, system, ids, graph)
        else:
            node, pool = self.newer_node(node_class, data, system, ids, graph, more)
        streamed, result = [], None
        with self.file_access(ids):
            for event in node._run():
                result = getattr(event, "node_run_result", result)
                if chunk := getattr(event, "chunk", None):
                    streamed.append((event.selector[1], chunk))
        return SimpleNamespace(result=result, streamed=streamed, pool=pool)

    @staticmethod
    def old_state():
        return find_spec("core.workflow.system_variable") is not None

    @staticmethod
    def older_node(node_class, data, system, ids, graph):
        from core.workflow.entities import GraphInitParams, GraphRuntimeState, VariablePool
        from core.workflow.system_variable import SystemVariable

        pool = VariablePool(system_variables=SystemVariable(user_id=ids["user_id"], files=[], **system), user_inputs={})
        state = GraphRuntimeState(variable_pool=pool, start_at=time.perf_counter())
        init = GraphInitParams(workflow_id="w", graph_config=graph, call_depth=0, **ids)
        node = node_class(id=NODE, config=graph["nodes"][0], graph_init_params=init, graph_runtime_state=state)
        if hasattr(node, "init_node_data"):
            node.init_node_data(data)
        return node, pool

    @staticmethod
    def newer_node(node_class, data, system, ids, graph, more):
        from core.app.entities.app_invoke_entities import build_dify_run_context
        from core.workflow.system_variables import build_system_variables
        from core.workflow.variable_pool_initializer import add_variables_to_pool
        from graphon.entities import GraphInitParams
        from graphon.runtime import GraphRuntimeState, VariablePool

        pool = VariablePool()
        add_variables_to_pool(pool, build_system_variables(user_id=ids["user_id"], **system))
        state = GraphRuntimeState(variable_pool=pool, start_at=time.perf_counter())
        context = build_dify_run_context(**ids)
        init = GraphInitParams(workflow_id="w", graph_config=graph, run_context=context, call_depth=0)
        typed = node_class.validate_node_data(data)
        node = node_class(NODE, typed, graph_init_params=init, graph_runtime_state=state, **more(context))
        return node, pool

    @staticmethod
    def file_access(ids):
        """An end user may read only what belongs to that user; newer versions ask for that on each look-up."""
        from contextlib import nullcontext

        try:
            from core.app.file_access import FileAccessScope, bind_file_access_scope
        except ImportError:
            return nullcontext()
        from core.app.entities.app_invoke_entities import InvokeFrom, UserFrom

        return bind_file_access_scope(FileAccessScope(
            tenant_id=TENANT, user_id=ids["user_id"], user_from=UserFrom(ids["user_from"]),
            invoke_from=InvokeFrom(ids["invoke_from"])))

    # The others.

    @staticmethod
    def tool_runtime(plugin, tool):
        from core.app.entities.app_invoke_entities import InvokeFrom
        from core.tools.entities.tool_entities import ToolProviderType
        from core.tools.tool_manager import ToolManager

        runtime = ToolManager.get_tool_runtime(provider_type=ToolProviderType.BUILT_IN,
                                               provider_id=provider_id(plugin), tool_name=tool, tenant_id=TENANT,
                                               invoke_from=InvokeFrom.DEBUGGER)
        runtime.runtime.runtime_parameters = {}
        return runtime

    def agent(self, plugin, tool, parameters, user):
        """A tool call of the agent of a chat: what its model reads, and the files that join the message."""
        from core.app.entities.app_invoke_entities import InvokeFrom
        from core.callback_handler.agent_tool_callback_handler import DifyAgentCallbackHandler
        from core.tools.tool_engine import ToolEngine
        from extensions.ext_database import db
        from models.model import MessageFile

        message = SimpleNamespace(id="00000000-0000-4000-8000-0000000000bb", conversation_id=None)
        text, files, meta = ToolEngine.agent_invoke(
            tool=self.tool_runtime(plugin, tool), tool_parameters=dict(parameters), user_id=user, tenant_id=TENANT,
            message=message, invoke_from=InvokeFrom.SERVICE_API if user == END_USER else InvokeFrom.DEBUGGER,
            agent_tool_callback=DifyAgentCallbackHandler())
        ids = [file if isinstance(file, str) else file.id for file in files]
        rows = [db.session.get(MessageFile, file) for file in ids]
        rows = [{"type": str(row.type), "url": row.url, "transfer_method": str(row.transfer_method),
                 "upload_file_id": row.upload_file_id} for row in rows]
        return SimpleNamespace(text=text, files=rows, error=meta.error)

    def strategy(self, plugin, tool, parameters, user):
        """The same tool, called back by an agent strategy plugin: the messages that are sent to that plugin."""
        from core.plugin.backwards_invocation.tool import PluginToolBackwardsInvocation
        from core.tools.entities.tool_entities import ToolProviderType

        return list(PluginToolBackwardsInvocation.invoke_tool(
            tenant_id=TENANT, user_id=user, tool_type=ToolProviderType.BUILT_IN, provider=provider_id(plugin),
            tool_name=tool, tool_parameters=dict(parameters)))

    @staticmethod
    def drive(plugin, datasource):
        from core.datasource.datasource_manager import DatasourceManager
        from core.datasource.entities.datasource_entities import DatasourceProviderType

        return DatasourceManager.get_datasource_runtime(
            provider_id=provider_id(plugin), datasource_name=datasource, tenant_id=TENANT,
            datasource_type=DatasourceProviderType.ONLINE_DRIVE)

    @staticmethod
    def browse(drive, user, bucket=None, prefix="", max_keys=20, page=None):
        from core.datasource.entities.datasource_entities import OnlineDriveBrowseFilesRequest

        asked = OnlineDriveBrowseFilesRequest(bucket=bucket, prefix=prefix, max_keys=max_keys,
                                              next_page_parameters=page)
        return [page.model_dump() for page in drive.online_drive_browse_files(user, asked, "online_drive")]

    @staticmethod
    def import_folder(drive, user, bucket, prefix):
        """What Dify finds when a folder is chosen for import."""
        from core.app.apps.pipeline.pipeline_generator import PipelineGenerator

        found = []
        PipelineGenerator()._get_files_in_folder(drive, prefix, bucket, user, found, {}, None)
        return found


def provider_id(plugin):
    return f"{plugin.plugin_id}/{plugin.declaration['identity']['name']}"
