"""As much of Dify's API as its own code for replies needs: its models on SQLite, its storage in a folder, its
controllers for uploads, downloads and the inner API on a port of 127.0.0.1. Nothing of Dify is in here; it is
imported from the folder that is given.
"""

import os
import sys
import threading
import uuid
from pathlib import Path

TENANT = "00000000-0000-4000-8000-000000000001"
ACCOUNT = "00000000-0000-4000-8000-00000000000a"
END_USER = "00000000-0000-4000-8000-00000000000e"
TABLES = ["dify_setups", "tenants", "end_users", "tool_files", "upload_files", "message_files",
          "datasource_providers"]


def prepare(api, folder, daemon):
    """Must run before anything of Dify is imported."""
    port = free_port()
    os.environ.update(
        SECRET_KEY="a key for this run only",
        PLUGIN_DAEMON_URL=daemon.url,
        PLUGIN_DAEMON_KEY=daemon.server_key,
        INNER_API_KEY_FOR_PLUGIN=daemon.inner_api_key,
        FILES_URL=f"http://127.0.0.1:{port}",
        INTERNAL_FILES_URL=f"http://127.0.0.1:{port}",
        STORAGE_TYPE="opendal",
        OPENDAL_SCHEME="fs",
        OPENDAL_FS_ROOT=str(folder / "storage"),
        NO_PROXY="*",
    )
    # Not Dify's settings file, if there is one.
    os.chdir(folder)
    sys.path.insert(0, str(api))
    daemon.inner_api = f"http://127.0.0.1:{port}"
    return port


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder, port):
    """Gives the application, its server running."""
    import sqlalchemy as sa
    from sqlalchemy import event
    from werkzeug.serving import make_server

    from configs import dify_config
    from dify_app import DifyApp
    from extensions import ext_login, ext_storage
    from extensions.ext_database import db

    app = DifyApp("dify")
    app.config.update(dify_config.model_dump())
    app.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'dify.db'}", SQLALCHEMY_ENGINE_OPTIONS={})
    db.init_app(app)
    ext_login.init_app(app)
    ext_storage.init_app(app)
    from controllers.files import bp as files
    from controllers.inner_api import bp as inner_api

    app.register_blueprint(files)
    app.register_blueprint(inner_api)
    from models.account import Tenant

    from sqlalchemy.dialects.postgresql import JSONB
    from sqlalchemy.ext.compiler import compiles

    compiles(JSONB, "sqlite")(lambda *_, **__: "JSON")
    metadata = Tenant.metadata
    for name in TABLES:
        for column in metadata.tables[name].columns:
            # PostgreSQL's functions and casts.
            column.server_default = None
    with app.app_context():
        metadata.create_all(db.engine, tables=[metadata.tables[name] for name in TABLES])
        event.listen(sa.orm.Mapper, "before_insert", fill_in)
        if "core.db.session_factory" in sys.modules or (Path(sys.path[0]) / "core/db/session_factory.py").exists():
            from core.db.session_factory import configure_session_factory

            configure_session_factory(db.engine)
        with sa.orm.Session(db.engine) as session:
            session.execute(sa.insert(metadata.tables["dify_setups"]).values(version="x", setup_at=now()))
            row(session, metadata, "tenants", id=TENANT, name="t", plan="basic", status="normal")
            row(session, metadata, "end_users", id=END_USER, tenant_id=TENANT, type="service_api", is_anonymous=False,
                session_id="somebody", app_id=None)
            session.commit()
    from services.tools.builtin_tools_manage_service import BuiltinToolManageService

    # For the icon of a log step; asks in PostgreSQL's dialect.
    BuiltinToolManageService.list_builtin_tools = staticmethod(lambda *_, **__: [])
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return app


def row(session, metadata, table, **values):
    import sqlalchemy as sa

    table = metadata.tables[table]
    for column in table.columns:
        if not column.nullable and column.name not in values and column.default is None:
            values[column.name] = now() if "time" in str(column.type).lower() else ""
    session.execute(sa.insert(table).values(**values))


def now():
    from datetime import UTC, datetime

    return datetime.now(UTC).replace(tzinfo=None)


def fill_in(_mapper, _connection, target):
    """What PostgreSQL fills in by itself."""
    for column in target.__table__.columns:
        if getattr(target, column.key, None) is None and not column.nullable:
            kind = str(column.type).lower()
            if column.name == "id":
                setattr(target, "id", str(uuid.uuid4()))
            elif "time" in kind:
                setattr(target, column.key, now())
            elif "bool" in kind:
                setattr(target, column.key, False)
