use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use uuid::Uuid;

use super::cancel_on_drop::CancelOnDrop;
use super::look::Lookout;
use super::pace::Pace;
use super::socket::{News, Socket, if_any};
use super::submission::{Taken, submit};
use super::{ExecuteOptions, Finished, Warning};
use crate::{
    CancelOutcome, ClientError, ComfyUi, Ending, NodeError, Record, Run, RunError, Sighting, SubmitOptions, Update,
    Verdict, Workflow,
};

/// How long the submit waits for the socket, so that no event is missed. Without one, the run is followed by polling.
const WAIT_FOR_SOCKET: Duration = Duration::from_secs(3);
/// How long an open socket may take for its first frame, which shows that the server has registered it.
const WAIT_FOR_FIRST_FRAME: Duration = Duration::from_millis(500);
/// How long the server may be out of reach before a run counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many looks in a row may fail for a reason that waiting does not cure.
const HOPELESS_LOOKS: u32 = 3;
/// What a deadline means that no clock can hold.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// For telling the server to cancel, when the deadline has passed or the run is given up.
const CANCEL_DEADLINE: Duration = Duration::from_secs(10);

impl ComfyUi {
    /// Runs a workflow to its end, and gives what it put out.
    ///
    /// Opens the socket, submits, and tells `on_update` what happens. The socket only makes it quick: the server's record
    /// decides how the run ended, and when there is no socket, or it drops or falls silent, the run is followed by asking
    /// for the record alone. A lost answer to the submit is looked up before the prompt is sent again.
    ///
    /// When the deadline passes, the prompt is cancelled on the server. So it is when the future is dropped, in a task of
    /// its own, provided that the tokio runtime lives on; a program that ends right after the drop leaves the prompt to
    /// run.
    ///
    /// # Errors
    /// [`RunError`]: not accepted, failed, interrupted, deleted, too late, or out of sight.
    pub async fn execute(
        &self,
        workflow: &Workflow,
        options: ExecuteOptions,
        on_update: impl FnMut(Update) + Send,
    ) -> Result<Finished, RunError> {
        let now = Instant::now();
        let deadline = now.checked_add(options.deadline).unwrap_or(now + FOR_EVER);
        let prompt_id = Uuid::new_v4().to_string();
        let mut execution = Execution {
            server: self,
            workflow,
            front: options.front,
            run: Run::new(&prompt_id, workflow),
            lookout: Lookout::default(),
            guard: None,
            node_errors: Vec::new(),
            answer_lost: false,
        };
        let result = timeout_at(deadline, execution.follow(on_update)).await;
        let cancelled = execution.cancel().await;
        result.unwrap_or(Err(RunError::DeadlinePassed { after: options.deadline, cancelled }))
    }
}

struct Execution<'a> {
    server: &'a ComfyUi,
    workflow: &'a Workflow,
    front: bool,
    run: Run,
    lookout: Lookout,
    /// There while the prompt may be on the server and not over.
    guard: Option<CancelOnDrop>,
    node_errors: Vec<NodeError>,
    answer_lost: bool,
}

impl Execution<'_> {
    async fn follow(&mut self, mut on_update: impl FnMut(Update) + Send) -> Result<Finished, RunError> {
        let (server, workflow, lookout) = (self.server, self.workflow, &self.lookout);
        let prompt_id = self.run.prompt_id().to_owned();
        let client_id = Uuid::new_v4().to_string();
        let mut socket = Socket::open(server, &client_id);
        let mut pace = Pace::new(Instant::now());
        for news in ready(&mut socket).await {
            take_news(news, &mut self.run, &mut pace, &mut on_update);
        }

        self.guard = Some(CancelOnDrop::new(server, &prompt_id));
        let how = SubmitOptions { prompt_id: Some(prompt_id.clone()), client_id: Some(client_id), front: self.front };
        let mut submission: Option<BoxFuture<'_, Result<Taken, ClientError>>> =
            Some(submit(server, lookout, workflow, &prompt_id, how).boxed());
        let mut look: Option<BoxFuture<'_, Result<Sighting, ClientError>>> = None;
        let mut troubles = Troubles::default();

        loop {
            // Events about the prompt are as good as an answer, which may never come.
            let may_look = look.is_none() && self.run.is_known_to_server();
            tokio::select! {
                news = socket.next() => take_news(news, &mut self.run, &mut pace, &mut on_update),
                taken = if_any(&mut submission) => {
                    match taken.map_err(|error| refused(error, &mut self.guard))? {
                        Taken::Answered(submitted) => {
                            self.run.submitted(&submitted.prompt_id);
                            self.node_errors = submitted.node_errors;
                        }
                        Taken::Found => {
                            self.answer_lost = true;
                            self.run.submitted(&prompt_id);
                        }
                    }
                    if let Some(guard) = &mut self.guard {
                        guard.rename(self.run.prompt_id());
                    }
                    pace.submitted(Instant::now());
                }
                seen = if_any(&mut look) => {
                    let now = Instant::now();
                    match seen {
                        Ok(sighting) => {
                            troubles = Troubles::default();
                            self.run.apply_sighting(sighting).into_iter().for_each(&mut on_update);
                        }
                        Err(error) => troubles.add(error, now)?,
                    }
                    pace.looked(now, self.run.is_in_doubt());
                }
                () = sleep_until(pace.next_look()), if may_look => {
                    let prompt_id = self.run.prompt_id().to_owned();
                    look = Some(async move { lookout.look(server, &prompt_id).await }.boxed());
                    pace.looking(Instant::now());
                }
            }
            if let Some(ending) = self.run.ending().cloned() {
                if let Some(guard) = self.guard.take() {
                    guard.disarm();
                }
                return self.finished(ending, submission.is_some());
            }
        }
    }

    fn finished(&self, ending: Ending, unanswered: bool) -> Result<Finished, RunError> {
        let Record { verdict, outputs } = match ending {
            Ending::Recorded(record) => *record,
            Ending::Deleted => return Err(RunError::Deleted),
        };
        match verdict {
            Verdict::Succeeded => {
                let blocked = self.run.blocked_branches().iter().cloned().map(Warning::BranchBlocked);
                let lost = (self.answer_lost || unanswered).then_some(Warning::SubmitAnswerLost);
                Ok(Finished {
                    prompt_id: self.run.prompt_id().to_owned(),
                    outputs,
                    node_errors: self.node_errors.clone(),
                    warnings: blocked.chain(lost).collect(),
                })
            }
            Verdict::Failed(failure) => {
                Err(RunError::Failed { failure: Box::new(failure), outputs: Box::new(outputs) })
            }
            Verdict::Interrupted { node } => Err(RunError::Interrupted { node }),
        }
    }

    /// Cancels the prompt if it may be on the server and not over, and says whether nothing of it is left to run, as
    /// far as the server can tell. Dropped in the middle, the guard tries once more.
    async fn cancel(&mut self) -> bool {
        if self.guard.is_none() {
            return true;
        }
        let cancelling = timeout(CANCEL_DEADLINE, self.server.cancel(self.run.prompt_id())).await;
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
        match cancelling {
            Ok(Ok(CancelOutcome::Cancelled | CancelOutcome::NothingToCancel)) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the run could not be cancelled");
                false
            }
            Err(_) => false,
        }
    }
}

/// Waits until the socket is registered with the server, or is not to be had soon, and gives what it said meanwhile.
async fn ready(socket: &mut Socket) -> Vec<News> {
    let mut said = Vec::new();
    let mut until = Instant::now() + WAIT_FOR_SOCKET;
    while let Ok(news) = timeout_at(until, socket.next()).await {
        let opened = matches!(news, News::Opened);
        said.push(news);
        if !opened {
            break;
        }
        until = Instant::now() + WAIT_FOR_FIRST_FRAME;
    }
    said
}

fn take_news(news: News, run: &mut Run, pace: &mut Pace, on_update: &mut impl FnMut(Update)) {
    let now = Instant::now();
    match news {
        News::Opened => pace.connected(now),
        News::Lost => pace.disconnected(now),
        News::Heard(event) => {
            let (updates, hint) = run.apply(event);
            pace.heard(now, hint);
            updates.into_iter().for_each(on_update);
        }
    }
}

/// A refused prompt is not on the server; one whose answers were lost may be.
fn refused(error: ClientError, guard: &mut Option<CancelOnDrop>) -> RunError {
    if !error.may_have_arrived()
        && let Some(guard) = guard.take()
    {
        guard.disarm();
    }
    RunError::Client(error)
}

/// Looks that failed, one after the other.
#[derive(Debug, Default)]
struct Troubles {
    since: Option<Instant>,
    hopeless: u32,
}

impl Troubles {
    fn add(&mut self, error: ClientError, now: Instant) -> Result<(), RunError> {
        let since = *self.since.get_or_insert(now);
        if !error.is_temporary() {
            self.hopeless += 1;
        }
        if self.hopeless >= HOPELESS_LOOKS || now.saturating_duration_since(since) >= PATIENCE {
            return Err(RunError::Lost { source: error });
        }
        tracing::debug!(%error, "a look at the run failed");
        Ok(())
    }
}
