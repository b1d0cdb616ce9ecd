from dify_plugin.interfaces.datasource import DatasourceProvider


class Provider(DatasourceProvider):
    def _validate_credentials(self, credentials):
        pass
