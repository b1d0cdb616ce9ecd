use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use uuid::Uuid;

use super::cancel_on_drop::CancelOnDrop;
use super::look::Lookout;
use super::pace::Pace;
use super::socket::{News, Socket, if_any};
use super::socket_images::SocketImages;
use super::submission::{Taken, submit};
use super::{ExecuteOptions, Finished, Warning};
use crate::{
    CancelOutcome, ClientError, ComfyUi, Ending, Hint, NodeError, Record, Run, RunError, Sighting, SubmitOptions,
    Update, Verdict, Workflow,
};

/// How long the submit waits for the socket, so that no event is missed. Without one, the run is followed by polling.
const WAIT_FOR_SOCKET: Duration = Duration::from_secs(3);
/// How long an open socket may take for its first frame, which shows that the server has registered it.
const WAIT_FOR_FIRST_FRAME: Duration = Duration::from_millis(500);
/// How long frames with pictures may come after the record of their run.
const WAIT_FOR_PICTURES: Duration = Duration::from_secs(5);
/// How many looks in a row may fail for a reason that waiting does not cure.
const HOPELESS_LOOKS: u32 = 3;
/// What a deadline means that no clock can hold.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// How long a run that is over waits for the answer to its submit.
const WAIT_FOR_ANSWER: Duration = Duration::from_secs(2);
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
            patience: options.patience,
            pictures: SocketImages::of(workflow),
            begun: now,
            started: None,
            run: Run::new(&prompt_id, workflow),
            lookout: Lookout::default(),
            guard: None,
            node_errors: Vec::new(),
            answer_lost: false,
        };
        let result = timeout_at(deadline, execution.run(on_update)).await;
        let cancelled = execution.cancel().await;
        result.unwrap_or(Err(RunError::DeadlinePassed { after: options.deadline, cancelled }))
    }
}

struct Execution<'a> {
    server: &'a ComfyUi,
    workflow: &'a Workflow,
    front: bool,
    patience: Duration,
    run: Run,
    pictures: SocketImages,
    begun: Instant,
    started: Option<Instant>,
    lookout: Lookout,
    /// There while the prompt may be on the server and not over.
    guard: Option<CancelOnDrop>,
    node_errors: Vec<NodeError>,
    answer_lost: bool,
}

impl Execution<'_> {
    async fn run(&mut self, on_update: impl FnMut(Update) + Send) -> Result<Finished, RunError> {
        let (ending, unanswered) = self.follow(on_update).await?;
        self.finished(ending, unanswered)
    }

    /// Follows the run to its end, and says whether the submit was never answered.
    async fn follow(&mut self, on_update: impl FnMut(Update) + Send) -> Result<(Ending, bool), RunError> {
        let (server, workflow, lookout) = (self.server, self.workflow, &self.lookout);
        let prompt_id = self.run.prompt_id().to_owned();
        let client_id = Uuid::new_v4().to_string();
        let mut socket = Socket::open(server, &client_id);
        let mut pace = Pace::new(Instant::now());
        let (pictures, started) = (&mut self.pictures, &mut self.started);
        let mut watcher = Watcher { on_update, pictures, started, is_open: false, is_over: false, was_lost: false };
        for news in ready(&mut socket).await {
            watcher.take_news(news, &mut self.run, &mut pace);
        }

        self.guard = Some(CancelOnDrop::new(server, &prompt_id));
        let how = SubmitOptions { prompt_id: Some(prompt_id.clone()), client_id: Some(client_id), front: self.front };
        let mut submission: Option<BoxFuture<'_, Result<Taken, ClientError>>> =
            Some(submit(server, lookout, workflow, &prompt_id, how).boxed());
        let mut look: Option<BoxFuture<'_, Result<Sighting, ClientError>>> = None;
        let mut troubles = Troubles::new(self.patience);
        let mut record: Option<(Sighting, Instant)> = None;

        loop {
            // Events about the prompt are as good as an answer, which may never come.
            let may_look = look.is_none() && record.is_none() && self.run.is_known_to_server();
            let hold = record.as_ref().map(|(_, until)| *until);
            tokio::select! {
                news = socket.next() => watcher.take_news(news, &mut self.run, &mut pace),
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
                            troubles = Troubles::new(self.patience);
                            // A picture may still be on its way.
                            if matches!(sighting, Sighting::Recorded(_)) && watcher.awaits_pictures() {
                                record = Some((sighting, now + WAIT_FOR_PICTURES));
                            } else {
                                watcher.take_sighting(sighting, &mut self.run);
                            }
                        }
                        Err(error) => troubles.add(error, now)?,
                    }
                    pace.looked(now, self.run.is_in_doubt());
                }
                () = until_held(hold) => {}
                () = until(pace.next_look()), if may_look => {
                    let prompt_id = self.run.prompt_id().to_owned();
                    look = Some(async move { lookout.look(server, &prompt_id).await }.boxed());
                    pace.looking(Instant::now());
                }
            }
            let is_due = |(_, until): &mut (Sighting, Instant)| !watcher.awaits_pictures() || *until <= Instant::now();
            if let Some((sighting, _)) = record.take_if(is_due) {
                watcher.take_sighting(sighting, &mut self.run);
            }
            if let Some(ending) = self.run.ending().cloned() {
                if let Some(guard) = self.guard.take() {
                    guard.disarm();
                }
                // A quick run can be over before its answer has come, which alone says what was left out of it.
                let unanswered = match submission.take() {
                    None => false,
                    Some(submission) => match timeout(WAIT_FOR_ANSWER, submission).await {
                        Ok(Ok(Taken::Answered(submitted))) => {
                            self.node_errors = submitted.node_errors;
                            false
                        }
                        _ => true,
                    },
                };
                // Somebody wiped the history as the run ended: what was heard without a gap is as good.
                let heard = self.run.success_as_heard().filter(|_| !watcher.was_lost);
                return Ok(match (ending, heard) {
                    (Ending::Deleted, Some(record)) => (Ending::Recorded(Box::new(record)), unanswered),
                    (ending, _) => (ending, unanswered),
                });
            }
        }
    }

    fn finished(&mut self, ending: Ending, unanswered: bool) -> Result<Finished, RunError> {
        let Record { verdict, outputs, ran, .. } = match ending {
            Ending::Recorded(record) => *record,
            Ending::Deleted => return Err(RunError::Deleted),
        };
        match verdict {
            Verdict::Succeeded => {
                let blocked = self.run.blocked_branches().iter().cloned().map(Warning::BranchBlocked);
                let lost = (self.answer_lost || unanswered).then_some(Warning::SubmitAnswerLost);
                let missing = self.pictures.missing(self.workflow, &self.node_errors);
                let missing = missing.into_iter().map(Warning::SocketImagesMissing);
                let pictures = std::mem::replace(&mut self.pictures, SocketImages::of(self.workflow));
                let (took, ran_here) = (self.begun.elapsed(), self.started.map(|started| started.elapsed()));
                let ran = ran.or(ran_here).unwrap_or_default().min(took);
                Ok(Finished {
                    prompt_id: self.run.prompt_id().to_owned(),
                    outputs,
                    node_errors: self.node_errors.clone(),
                    warnings: blocked.chain(lost).chain(missing).collect(),
                    socket_images: pictures.into_images(),
                    queued: took.saturating_sub(ran),
                    ran,
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

/// Until the moment; at once if it has come. The timer's ticks of a millisecond would round it up.
async fn until(moment: Instant) {
    if moment > Instant::now() {
        sleep_until(moment).await;
    }
}

/// Until the moment, if there is one.
async fn until_held(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Hands on what is new, and keeps what has to be kept of it.
struct Watcher<'a, F> {
    on_update: F,
    pictures: &'a mut SocketImages,
    started: &'a mut Option<Instant>,
    /// Whether the socket is open.
    is_open: bool,
    /// Whether the socket has said that the prompt is over.
    is_over: bool,
    was_lost: bool,
}

impl<F: FnMut(Update)> Watcher<'_, F> {
    fn take_news(&mut self, news: News, run: &mut Run, pace: &mut Pace) {
        let now = Instant::now();
        match news {
            News::Opened => {
                self.is_open = true;
                pace.connected(now);
            }
            News::Lost(reason) => {
                self.is_open = false;
                pace.disconnected(now);
                if !std::mem::replace(&mut self.was_lost, true) {
                    self.tell(Update::Polling { reason });
                }
            }
            News::Heard(event) => {
                let (updates, hint) = run.apply(event);
                pace.heard(now, hint);
                self.is_over |= hint == Hint::Over;
                updates.into_iter().for_each(|update| self.tell(update));
            }
        }
    }

    fn take_sighting(&mut self, sighting: Sighting, run: &mut Run) {
        run.apply_sighting(sighting).into_iter().for_each(|update| self.tell(update));
    }

    /// Whether pictures are expected that only the socket brings, and it may still bring some.
    fn awaits_pictures(&self) -> bool {
        self.pictures.are_expected() && self.is_open && !self.is_over
    }

    fn tell(&mut self, update: Update) {
        if matches!(update, Update::Started) {
            self.started.get_or_insert_with(Instant::now);
        }
        self.pictures.take(&update);
        (self.on_update)(update);
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
#[derive(Debug)]
struct Troubles {
    patience: Duration,
    since: Option<Instant>,
    hopeless: u32,
}

impl Troubles {
    const fn new(patience: Duration) -> Self {
        Self { patience, since: None, hopeless: 0 }
    }

    fn add(&mut self, error: ClientError, now: Instant) -> Result<(), RunError> {
        let since = *self.since.get_or_insert(now);
        if !error.is_temporary() {
            self.hopeless += 1;
        }
        if self.hopeless >= HOPELESS_LOOKS || now.saturating_duration_since(since) >= self.patience {
            return Err(RunError::Lost { source: error });
        }
        tracing::debug!(%error, "a look at the run failed");
        Ok(())
    }
}
