use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::TaskTracker;

use super::connection::Connecting;
use super::ending::Ending;
use super::persistence::{GivingUp, Next, Persistence};
use super::report::Report;
use crate::session::Shared;
use crate::settings::{RemoteInstall, Settings};
use crate::transport::stop_signal::StopSignal;
use crate::transport::workers::{CLEAN_UP, worker_threads};
use crate::{Declaration, Plugin};

/// Serves until the process is told to stop (`Ok`), or another attempt would be in vain (`Err`, with the line to show).
/// A connection that is lost is made anew, for ever.
pub(crate) fn serve(
    plugin: Arc<Plugin>,
    declaration: Declaration,
    remote: &RemoteInstall,
    settings: &Settings,
) -> Result<(), String> {
    let report = Report::new(declaration.name, declaration.version, &remote.host, remote.port);
    let failed = |error: io::Error| format!("{}: cannot start: {error}", declaration.name);
    let tokio = worker_threads().map_err(failed)?;
    let ended = tokio.block_on(async {
        let mut stop = StopSignal::new().map_err(failed)?;
        let calls = TaskTracker::new();
        let connecting = Connecting {
            plugin,
            declaration,
            remote,
            heartbeat_interval: settings.heartbeat_interval,
            shared: Arc::new(Shared::new(settings.merged_file_limit)),
            calls: &calls,
            report: &report,
        };
        let dropped = LastDrop::default();
        let mut serving = Box::pin(keep_connected(&connecting, &dropped));
        let ended = tokio::select! {
            Err(why) = &mut serving => Err(report.giving_up(&why)),
            () = stop.received() => Ok(()),
        };
        // Asked before they are dropped, which they are in no time.
        if !calls.is_empty() {
            dropped.now();
        }
        drop(serving);
        dropped.cleaned_up().await;
        ended
    });
    if ended.is_ok() {
        report.stopped();
    }
    // What a call may have left running is not waited for, nor a look-up of the host.
    tokio.shutdown_background();
    ended
}

async fn keep_connected(connecting: &Connecting<'_>, dropped: &LastDrop) -> Result<Infallible, GivingUp> {
    let mut persistence = Persistence::new();
    loop {
        let ending = connecting.serve().await;
        if matches!(ending, Ending::Lost { calls: 1.., .. }) {
            dropped.now();
        }
        match persistence.after(&ending, rand::random()) {
            Next::Retry { after } => {
                connecting.report.retrying(&ending, after);
                sleep(after).await;
            }
            Next::GiveUp(why) => return Err(why),
        }
    }
}

/// When calls were dropped last, which may still have something to clean up.
#[derive(Debug, Default)]
struct LastDrop(Mutex<Option<Instant>>);

impl LastDrop {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    async fn cleaned_up(&self) {
        let dropped = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dropped) = dropped {
            sleep_until(dropped + CLEAN_UP).await;
        }
    }
}
