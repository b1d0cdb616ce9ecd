//! The Tencent COS storage plugin for Dify, native.

use std::process::ExitCode;

fn main() -> ExitCode {
    oxidify_tencent_cos::plugin().run()
}
