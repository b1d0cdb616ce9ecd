//! The ComfyUI plugin for Dify, native.
