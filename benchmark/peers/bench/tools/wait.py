import time

from dify_plugin import Tool


class Wait(Tool):
    """A text, a pause, a text: a call that waits for a server."""

    def _invoke(self, tool_parameters):
        yield self.create_text_message("waiting")
        time.sleep(tool_parameters["milliseconds"] / 1000)
        yield self.create_text_message("waited")
