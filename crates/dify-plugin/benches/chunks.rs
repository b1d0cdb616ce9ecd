//! A file cut into the lines that Dify merges: `cargo bench -p dify-plugin --features fuzzing --bench chunks`.
//! `docs/benchmarks.md` says how to count instructions instead.

use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000])]
fn blob_chunks(bencher: Bencher<'_, '_>, length: usize) {
    let file = vec![7; length];
    let mut lines = Vec::with_capacity(2 * length + 1024);
    bencher.counter(BytesCount::new(length)).bench_local(|| {
        lines.clear();
        dify_plugin::fuzzing::blob_chunks(&file, &mut lines)
    });
}
