//! Dify's end of the pipe: starts a plugin as the daemon does and enforces its limits.
