//! The Tencent COS storage plugin for Dify, native.
