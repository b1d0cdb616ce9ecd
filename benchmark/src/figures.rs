//! The measurements, in groups.

mod blobs;
mod calls;
mod comfyui;
mod cos;
mod in_flight;
mod limits;
mod memory;
mod scaling;
mod size;
mod start;

use crate::Failure;
use crate::bench::Bench;
use crate::figure::Report;

/// Measurements that belong together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) measure: fn(&Bench, &mut Report) -> Result<(), Failure>,
}

const ALL: [Group; 10] = [
    Group { name: "start", measure: start::measure },
    Group { name: "memory", measure: memory::measure },
    Group { name: "calls", measure: calls::measure },
    Group { name: "blobs", measure: blobs::measure },
    Group { name: "in-flight", measure: in_flight::measure },
    Group { name: "comfyui", measure: comfyui::measure },
    Group { name: "cos", measure: cos::measure },
    Group { name: "size", measure: size::measure },
    Group { name: "limits", measure: limits::measure },
    Group { name: "scaling", measure: scaling::measure },
];

/// All groups, or those of these names.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<Group>, Failure> {
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|group| group.name != **name)) {
        let known: Vec<_> = ALL.iter().map(|group| group.name).collect();
        return Err(format!("there is no group {unknown}; there are {}", known.join(", ")).into());
    }
    Ok(ALL.into_iter().filter(|group| names.is_empty() || names.iter().any(|name| name == group.name)).collect())
}

/// Milliseconds.
fn ms(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Megabytes (10^6).
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
