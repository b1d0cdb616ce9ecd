//! A client for ComfyUI servers and their workflow graphs.
