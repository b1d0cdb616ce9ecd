//! What is downloaded and what it takes on the disk.

use super::mb;
use crate::Failure;
use crate::bench::{Bench, Plugin};
use crate::figure::{Better, Figure, Report};
use crate::packages::Installed;

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    for plugin in [Plugin::ComfyUi, Plugin::Cos] {
        let name = plugin.name();
        let ours = Installed::new(bench, plugin)?;
        let mut package = Figure::new(format!("{name}: package"), "MB", Better::Lower).held_to(5.0);
        package.ours.push(mb(ours.package_bytes));
        let mut installed = Figure::new(format!("{name}: installed"), "MB", Better::Lower);
        installed.ours.push(mb(ours.unpacked_bytes));
        if let Some(peers) = &bench.peers {
            installed.peer.push(mb(peers.installed_bytes(plugin)?));
        }
        report.figures.extend([package, installed]);
    }
    Ok(())
}
