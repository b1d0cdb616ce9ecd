//! A Tencent COS server over a folder, for tests and demonstrations.
