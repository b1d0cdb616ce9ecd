from dify_plugin import Tool


class Blob(Tool):
    """A file of zeros, whole in memory as the official plugins hold theirs."""

    def _invoke(self, tool_parameters):
        content = bytes(int(tool_parameters["size"]))
        yield self.create_blob_message(content, meta={"mime_type": "application/pdf", "filename": "blob.pdf"})
