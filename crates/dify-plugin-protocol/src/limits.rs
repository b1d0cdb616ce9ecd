//! Sizes and times that the daemon or Dify enforces.

use std::time::Duration;

/// Longest line a plugin may write, in bytes without its newline.
///
/// One byte more and the daemon kills the process and every call on it
/// (dify-plugin-daemon, `internal/types/app/config.go`: `PLUGIN_STDIO_MAX_BUFFER_SIZE` = 5242880 with the newline).
pub const MAX_PLUGIN_LINE: usize = 5_242_879;

/// Most bytes of a file, before base64, that one `blob_chunk` message may carry
/// (Dify, `api/core/plugin/utils/chunk_merger.py`).
pub const BLOB_CHUNK: usize = 8192;

/// Largest file that Dify merges from chunks unless configured otherwise: `PLUGIN_MAX_FILE_SIZE` of today's Dify.
pub const MERGED_FILE: u64 = 50 * 1024 * 1024;

/// The same limit in older releases, where it is fixed.
pub const MERGED_FILE_OLDER: u64 = 30 * 1024 * 1024;

/// Most keys that `args` of a [`CallError`](crate::CallError) may have; with more the daemon drops the whole error
/// (dify-plugin-daemon, `pkg/entities/plugin_entities/event.go`).
pub const ERROR_ARGS: usize = 10;

/// How often a plugin says that it lives. The daemon kills it after 120 s of silence
/// (Python SDK, `config/config.py`: `HEARTBEAT_INTERVAL`).
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

/// How long the daemon waits for the first heartbeat.
pub const FIRST_HEARTBEAT: Duration = Duration::from_secs(120);

/// How long a call may take (`PLUGIN_MAX_EXECUTION_TIMEOUT` of the daemon); the plugin is not told when it is over.
pub const CALL: Duration = Duration::from_secs(600);

/// How long a plugin waits for Dify's answer to a call back (Python SDK, `MAX_INVOCATION_TIMEOUT`).
pub const BACKWARDS_INVOCATION: Duration = Duration::from_secs(250);

/// How many calls the official SDK works on at once (`MAX_WORKER`).
pub const CALLS_IN_FLIGHT: usize = 1000;

/// How long the URLs live that Dify hands out for downloads and uploads
/// (Dify, `api/configs/feature/__init__.py`: `FILES_ACCESS_TIMEOUT`).
pub const FILE_URL: Duration = Duration::from_secs(300);

/// Longest storage key, in bytes (dify-plugin-daemon, `internal/core/persistence/persistence.go`).
pub const STORAGE_KEY: usize = 256;

/// How long the daemon's debugging server waits for the handshake
/// (dify-plugin-daemon, `internal/core/debugging_runtime/hooks.go`).
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a plugin on a connection to the debugging server may be without a heartbeat; other lines do not count
/// (dify-plugin-daemon, `internal/core/debugging_runtime/lifetime.go`).
pub const REMOTE_SILENCE: Duration = Duration::from_secs(60);

/// Most bytes of an asset, before base64, that the official SDK sends in one line (Python SDK, `plugin.py`).
pub const ASSET_CHUNK: usize = 8192;

/// Most bytes of all assets that are sent to the debugging server
/// (dify-plugin-daemon, `internal/core/debugging_runtime/runtime_intialization_handlers.go`).
pub const ASSETS: usize = 50 * 1024 * 1024;
