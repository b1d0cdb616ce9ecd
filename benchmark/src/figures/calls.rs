//! A call that does nothing: its round trip, and how many are answered in a second.

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::json;

use crate::Failure;
use crate::bench::{Bench, Plugin, Side};
use crate::figure::{Better, Figure, Report};
use crate::lines::{Kind, Said};
use crate::request;
use crate::running::{Running, failed_call, not_protocol};

const IN_FLIGHT: [usize; 3] = [1, 10, 100];

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let calls = if bench.quick { 100 } else { 5000 };
    let mut round_trip = Figure::new("trivial call, round trip", "ms", Better::Lower).held_to(0.05);
    let mut rates = IN_FLIGHT.map(|count| {
        let figure = Figure::new(format!("trivial calls, {count} in flight"), "calls/s", Better::Higher);
        figure.times_better(10.0)
    });
    let mut ours = bench.start(Side::Ours, Plugin::Bench)?;
    let mut peer = bench.peers.as_ref().map(|_| bench.start(Side::Peer, Plugin::Bench)).transpose()?;
    for round in 0..=bench.rounds(5) {
        for (side, plugin) in [(Side::Ours, Some(&mut ours)), (Side::Peer, peer.as_mut())] {
            let Some(plugin) = plugin else { continue };
            for (place, in_flight) in IN_FLIGHT.into_iter().enumerate() {
                let requests = (0..calls).map(request).collect();
                let from = Instant::now();
                make(plugin, requests, in_flight)?;
                let seconds = from.elapsed().as_secs_f64();
                // The first round warms up.
                if round == 0 {
                    continue;
                }
                let push = |figure: &mut Figure, value| match side {
                    Side::Ours => figure.ours.push(value),
                    Side::Peer => figure.peer.push(value),
                };
                if in_flight == 1 {
                    push(&mut round_trip, seconds * 1e3 / calls as f64);
                }
                if let Some(figure) = rates.get_mut(place) {
                    push(figure, calls as f64 / seconds);
                }
            }
        }
    }
    ours.stop()?;
    peer.map(Running::stop).transpose()?;
    report.figures.push(round_trip);
    report.figures.extend(rates);
    Ok(())
}

fn request(number: usize) -> Vec<u8> {
    let session = format!("call-{number}");
    request::tool(&session, "bench", "echo", &json!({}), &json!({"text": session}))
}

/// Makes a call of each request, as soon as one of `in_flight` places is free, and checks every answer.
fn make(plugin: &mut Running, mut requests: VecDeque<Vec<u8>>, in_flight: usize) -> Result<(), Failure> {
    let calls = requests.len();
    let first: Vec<u8> = requests.drain(..in_flight.min(calls)).flatten().collect();
    plugin.send(&first)?;
    let (mut texts, mut ended) = (0, 0);
    let mut next = Vec::new();
    while ended < calls {
        let line = plugin.line()?;
        match line.kind().ok_or_else(|| not_protocol(&line))? {
            Kind::Session(session, Said::Stream) => {
                // The text that it was called with, as the last thing before "meta".
                let said = memchr::memmem::find(line.head, b"\"text\":\"").map(|at| at + b"\"text\":\"".len());
                let said = said.and_then(|from| line.head.get(from..)).unwrap_or_default();
                texts += usize::from(said.starts_with(session) && said.get(session.len()) == Some(&b'"'));
            }
            Kind::Session(_, Said::End) => {
                ended += 1;
                next.extend(requests.pop_front().unwrap_or_default());
            }
            Kind::Session(_, Said::Error) => return Err(failed_call(&line)),
            Kind::Session(_, Said::Invoke) => return Err("an unexpected call back".into()),
            Kind::Heartbeat | Kind::Other => {}
        }
        if !next.is_empty() && !plugin.has_line() {
            plugin.send(&next)?;
            next.clear();
        }
    }
    if texts == calls { Ok(()) } else { Err(format!("{texts} of {calls} calls were answered with their text").into()) }
}
