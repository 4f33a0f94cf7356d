//! Child processes: the parent's side and the child's.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::protocol::{Message, Request};
use super::{CaseReport, Event, Outcome, RunError, RunOptions, UNLOAD, micros, run_here};
use crate::cases;
use crate::context::DriverSource;

/// Lines of the driver's output that are kept as evidence for one case.
const KEPT_LINES: usize = 20;

/// How often a driver may use a whole time limit up; then each further case has a tenth of it.
const FULL_LIMITS: usize = 3;

/// How often a child's clock is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How children are started, and how long they may take.
#[derive(Clone, Debug)]
pub struct Isolation {
    /// Program and arguments of a process that calls [`serve`].
    pub command: Vec<OsString>,
    /// For opening the driver, for each run of a case, and for closing the driver: processor time, and time in which the
    /// driver waits, where the system tells them; time as it goes by elsewhere. When a driver has used it up three times, a
    /// tenth is left for each case behind.
    pub time_limit: Duration,
}

impl Isolation {
    /// Runs cases in a child, and those behind one that ended it in another. What is returned is the last case's result for
    /// a child that has ended wrongly when all cases had run; for the case that is about this, the result is an event as
    /// the others are.
    pub(super) fn run(
        &self,
        options: &RunOptions,
        cases: &[&str],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Option<CaseReport>, RunError> {
        let mut left: VecDeque<&str> = cases.iter().copied().collect();
        let mut hung = 0;
        while !left.is_empty() {
            let request = Request::new(options, left.make_contiguous(), mark());
            let mut process = Process::start(&self.command, &request)?;
            let end = process.follow(self.limit(hung), &mut |event| {
                let is_unload =
                    matches!(&event, Event::Ended(result) if result.name == UNLOAD && !result.outcome.is_failure());
                if let Event::Ended(_) = event {
                    left.pop_front();
                }
                if !is_unload {
                    on_event(event);
                }
            })?;
            let is_unload = cases == [UNLOAD];
            hung += usize::from(matches!(end.how, How::TimedOut(_)));
            match end.into_result(left.front().copied(), cases.last().copied()) {
                Some(ended) if left.is_empty() && !is_unload => return Ok(Some(ended)),
                Some(ended) => {
                    on_event(Event::Ended(ended));
                    left.pop_front();
                }
                None if is_unload => on_event(Event::Ended(CaseReport {
                    name: UNLOAD.to_owned(),
                    outcome: Outcome::Passed,
                    notes: Vec::new(),
                    micros: 0,
                })),
                None => {}
            }
        }
        Ok(None)
    }

    /// The limit behind so many cases that hung: a driver that hangs in one entry does so in every case that calls it, and
    /// what it costs to see that is bounded.
    fn limit(&self, hung: usize) -> Duration {
        if hung < FULL_LIMITS { self.time_limit } else { self.time_limit / 10 }
    }
}

/// The child's whole work: reads from standard input which cases to run, and says on standard output what comes of them.
///
/// # Errors
///
/// Of reading and writing, and for a request that is none.
pub fn serve(source: &DriverSource) -> io::Result<()> {
    let request = Request::read(io::stdin().lock())?;
    let send = |message: &Message| message.write(&request.mark, io::stdout().lock());
    let cases = request.cases.iter().map(|name| cases::find(name)).collect::<Option<Vec<_>>>();
    let cases = cases.ok_or_else(|| io::Error::other("the request names a case that does not exist"))?;
    let options = RunOptions {
        driver_options: request.driver_options.clone(),
        seed: request.seed,
        varied: request.varied.clone(),
    };
    // A parent that is gone makes no difference to the driver.
    let run = run_here(source, &options, cases, &mut |event| drop(send(&Message::Event(event))));
    match run {
        Ok(()) => send(&Message::Done),
        Err(RunError::Open(error)) => send(&Message::NotOpened { error }),
        Err(RunError::Child(error)) => Err(error),
    }
}

/// A child that runs cases.
struct Process {
    child: Child,
    mark: String,
    lines: Receiver<String>,
}

/// How a child came to its end.
struct End {
    /// The case that it was at.
    case: Option<String>,
    /// And the variation of it, unless it was the first one.
    variation: Option<String>,
    since: Instant,
    how: How,
    output: VecDeque<String>,
}

enum How {
    /// All cases have run.
    Done,
    /// It has ended too early.
    Exited(ExitStatus),
    /// It took too long.
    TimedOut(Duration),
}

impl Process {
    fn start(command: &[OsString], request: &Request) -> Result<Self, RunError> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| io::Error::other("there is no command to start one with"))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (sender, lines) = channel();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let streams: [Option<Box<dyn Read + Send>>; 2] =
            [stdout.map(|stream| Box::new(stream) as _), stderr.map(|stream| Box::new(stream) as _)];
        for stream in streams.into_iter().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                let lines = BufReader::new(stream).split(b'\n').map_while(Result::ok);
                let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
                lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
            });
        }
        // A child that has ended already is found out when it is followed.
        if let Some(stdin) = child.stdin.take() {
            let _ = request.write(stdin);
        }
        Ok(Self { child, mark: request.mark.clone(), lines })
    }

    /// Passes events on until the child has ended, or takes too long.
    fn follow(&mut self, limit: Duration, on_event: &mut dyn FnMut(Event)) -> Result<End, RunError> {
        let (mut case, mut since, mut output, mut is_done) = (None, Instant::now(), VecDeque::new(), false);
        let (mut variation, mut clock) = (None, Clock::start(self.child.id()));
        loop {
            let line = match self.lines.recv_timeout(LOOK.min(limit)) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) if clock.used() < limit => continue,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill()?;
                    self.child.wait()?;
                    return Ok(End { case, variation, since, how: How::TimedOut(limit), output });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.wait(limit)?;
                    let how = match status {
                        None => How::TimedOut(limit),
                        Some(status) if is_done && status.success() => How::Done,
                        Some(status) => How::Exited(status),
                    };
                    return Ok(End { case, variation, since, how, output });
                }
            };
            match Message::of(&self.mark, &line) {
                Some(Message::Event(event)) => {
                    clock.restart();
                    match &event {
                        Event::Began { case: began } => {
                            (case, variation, since) = (Some(began.clone()), None, Instant::now());
                        }
                        Event::Varied { variation: begun } => variation = Some(begun.clone()),
                        _ => (case, variation, since) = (None, None, Instant::now()),
                    }
                    let event = match event {
                        Event::Ended(result) => Event::Ended(with_output(result, &mut output)),
                        other => other,
                    };
                    on_event(event);
                }
                Some(Message::Done) => is_done = true,
                Some(Message::NotOpened { error }) => return Err(RunError::Open(error)),
                None if line.trim().is_empty() => {}
                None => {
                    output.push_back(line);
                    if output.len() > KEPT_LINES {
                        output.pop_front();
                    }
                }
            }
        }
    }

    /// Waits for a child that has closed its output; none for one that has to be killed.
    fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let mut clock = Clock::start(self.child.id());
        while clock.used() < limit {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(None)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, unless following it failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl End {
    /// What the end says about the case that it came in: the one that had begun, else the next one, since the driver was
    /// being opened for it; when all had run, the last one, since the driver was being closed behind it.
    fn into_result(self, next: Option<&str>, last: Option<&str>) -> Option<CaseReport> {
        let when = match (&self.case, next) {
            (Some(_), _) => "",
            (None, Some(_)) => ", when the driver was to be opened",
            (None, None) => ", when the driver was closed and unloaded",
        };
        let variation = self
            .variation
            .as_ref()
            .map(|variation| format!("with {variation}; the rule is kept with {}", crate::variation::Variation::PLAIN));
        let outcome = match self.how {
            How::Done => return None,
            How::Exited(status) => Outcome::Crashed { how: format!("{status}{when}") },
            How::TimedOut(limit) => Outcome::TimedOut { limit_ms: micros(limit) / 1000 },
        };
        let name = self.case.or_else(|| next.or(last).map(ToOwned::to_owned))?;
        let notes = variation.into_iter().collect();
        let result = CaseReport { name, outcome, notes, micros: micros(self.since.elapsed()) };
        Some(with_output(result, &mut { self.output }))
    }
}

/// With what the driver has printed meanwhile.
fn with_output(mut result: CaseReport, output: &mut VecDeque<String>) -> CaseReport {
    result.notes.extend(output.drain(..).map(|line| format!("printed: {line}")));
    result
}

/// What no driver prints by chance.
fn mark() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("softcp-{:016x} ", RandomState::new().hash_one(std::process::id()))
}
