//! Many calls at once that wait for something: memory, and whether heartbeats stay on time.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{mb, ms};
use crate::Failure;
use crate::bench::{Bench, Plugin, Side};
use crate::figure::{Better, Figure, Report};
use crate::lines::{Kind, Said};
use crate::process;
use crate::request;
use crate::running::{failed_call, not_protocol};

const BEAT: Duration = Duration::from_millis(100);

/// What came of many calls at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    pub(crate) rss: u64,
    /// By which the latest heartbeat was late.
    pub(crate) late: Duration,
    /// From the first request to the last end, less the time that each call waits.
    pub(crate) overhead: Duration,
}

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let calls = if bench.quick { 50 } else { 1000 };
    let mut rss = Figure::new(format!("{calls} calls in flight: RSS"), "MB", Better::Lower).held_to(40.0);
    let mut late = Figure::new(format!("{calls} calls in flight: latest heartbeat"), "ms late", Better::Lower);
    let mut overhead = Figure::new(format!("{calls} calls in flight: time beside waiting"), "ms", Better::Lower);
    for _ in 0..bench.rounds(3) {
        for side in bench.sides() {
            let crowd = crowd(bench, *side, calls)?;
            let push = |figure: &mut Figure, value| match side {
                Side::Ours => figure.ours.push(value),
                Side::Peer => figure.peer.push(value),
            };
            push(&mut rss, mb(crowd.rss));
            push(&mut late, ms(crowd.late));
            push(&mut overhead, ms(crowd.overhead));
        }
    }
    report.figures.extend([rss, late, overhead]);
    Ok(())
}

/// Starts `calls` calls that all wait until the last has begun.
pub(crate) fn crowd(bench: &Bench, side: Side, calls: usize) -> Result<Crowd, Failure> {
    let wait = Duration::from_millis(if bench.quick { 500 } else { 2500 });
    let mut command = bench.command(side, Plugin::Bench)?;
    command.env("HEARTBEAT_INTERVAL", BEAT.as_secs_f64().to_string());
    let mut plugin = bench.start_by(side, command)?;
    let requests: Vec<u8> = (0..calls)
        .flat_map(|number| {
            let parameters = json!({"milliseconds": u64::try_from(wait.as_millis()).unwrap_or_default()});
            request::tool(&format!("call-{number}"), "bench", "wait", &json!({}), &parameters)
        })
        .collect();
    let from = Instant::now();
    plugin.send(&requests)?;
    let (mut streams, mut ended, mut rss) = (0, 0, 0);
    let (mut last_beat, mut late) = (None::<Instant>, Duration::ZERO);
    while ended < calls {
        let line = plugin.line()?;
        match line.kind().ok_or_else(|| not_protocol(&line))? {
            Kind::Heartbeat => {
                if let Some(last) = last_beat.replace(Instant::now()) {
                    late = late.max(last.elapsed().saturating_sub(BEAT));
                }
                // At each beat, which costs nothing beside it.
                rss = rss.max(process::rss(plugin.pid())?);
            }
            Kind::Session(_, Said::Stream) => streams += 1,
            Kind::Session(_, Said::End) => ended += 1,
            Kind::Session(_, Said::Error) => return Err(failed_call(&line)),
            Kind::Session(_, Said::Invoke) => return Err("an unexpected call back".into()),
            Kind::Other => {}
        }
    }
    let overhead = from.elapsed().saturating_sub(wait);
    plugin.stop()?;
    if streams == 2 * calls {
        Ok(Crowd { rss, late, overhead })
    } else {
        Err(format!("{streams} texts came of {calls} calls").into())
    }
}
