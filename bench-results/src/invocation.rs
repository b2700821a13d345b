//! One invocation: a cell in a fresh process of this program.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getppid};
use serde::de::DeserializeOwned;

use crate::cell::Cell;
use crate::provenance::binary_hash;
use crate::record::{Record, Status};

/// Files that the process of a cell writes, where a path is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files<'p> {
    /// Its histograms.
    pub hlog: Option<&'p Path>,
    /// Its trace.
    pub trace: Option<&'p Path>,
}

/// Runs the cell in a fresh process, which writes these files. That the process is killed, takes longer than `timeout` or
/// fails is a result.
///
/// # Errors
/// If it cannot run at all: the process cannot start, or says that input or machine are not fit for it.
pub fn invoke(cell: &Cell, files: Files<'_>, timeout: Duration) -> Result<Record> {
    let mut arguments: Vec<OsString> = cell.arguments().into_iter().map(OsString::from).collect();
    arguments.push("--json".into());
    for (option, path) in [("--hlog", files.hlog), ("--trace", files.trace)] {
        if let Some(path) = path {
            arguments.extend([option.into(), path.into()]);
        }
    }
    Ok(match run_for_record(&arguments, timeout)? {
        Ok(record) => record,
        Err(Failure { status, error }) => Record { status, error: Some(error), ..cell.record(binary_hash().ok()) },
    })
}

/// Why a process left no record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// In a word.
    pub status: Status,
    /// In a sentence.
    pub error: String,
}

/// Runs this program with other arguments, of which it prints a record as its last line.
///
/// # Errors
/// If it cannot run at all: the process cannot start, or says that input or machine are not fit for it.
pub fn run_for_record<R: DeserializeOwned>(
    arguments: &[OsString],
    timeout: Duration,
) -> Result<std::result::Result<R, Failure>> {
    let Ended { status, output, messages } = run_again(arguments, timeout)?;
    let Some(status) = status else {
        let error = format!("not done after {} s and killed; allow more with --timeout", timeout.as_secs());
        return Ok(Err(Failure { status: Status::Timeout, error }));
    };
    if let Some(record) = output.lines().last().and_then(|line| serde_json::from_str(line).ok()) {
        return Ok(Ok(record));
    }
    let message = messages.lines().last().unwrap_or_default();
    if status.code() == Some(1) {
        bail!("{}", message.strip_prefix("error: ").unwrap_or(message));
    }
    Ok(Err(Failure { status: Status::Error, error: cause(status, message) }))
}

/// How a process of this program ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// `None`: it took too long and was killed.
    pub status: Option<ExitStatus>,
    /// What it printed.
    pub output: String,
    /// What it said beside that.
    pub messages: String,
}

/// Runs this program with other arguments, to its end or until the time is up; it dies with this process.
///
/// # Errors
/// If it cannot start.
pub fn run_again(arguments: &[OsString], timeout: Duration) -> Result<Ended> {
    let program = std::env::current_exe().context("cannot find this program's own file; start it by its full path")?;
    let mut command = Command::new(&program);
    // A group of its own, so that what the workload forks is killed with it.
    command.args(arguments).arg("--dies-with-parent").arg(std::process::id().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().with_context(|| {
        format!("cannot start {}; free memory or raise the limit on processes (`ulimit -u`)", program.display())
    })?;
    let output = read_in_background(child.stdout.take());
    let messages = read_in_background(child.stderr.take());
    let status = wait(&mut child, timeout)?;
    // What the process left in its pipes is there; a process that it forked may hold them open for longer.
    let output = output.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    let messages = messages.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    Ok(Ended { status, output, messages })
}

/// For the process of a cell: be killed when `parent`, the one that started it, dies.
///
/// # Errors
/// If the system cannot do that, or that process is gone already.
pub fn die_with_parent(parent: i32) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL).context("the system cannot tie this process to the one that started it")?;
    // Who was orphaned before the call above would never be told.
    if getppid() != Pid::from_raw(parent) {
        bail!("the process {parent}, which started this one, is gone; start the comparison again");
    }
    Ok(())
}

/// Why a process ended without a record, in words.
pub fn cause(status: ExitStatus, message: &str) -> String {
    let end = match status.signal() {
        Some(9) => "killed by signal 9 (SIGKILL), as the system does when memory runs out".to_owned(),
        Some(signal) => match Signal::try_from(signal) {
            Ok(name) => format!("killed by signal {signal} ({name})"),
            Err(_) => format!("killed by signal {signal}"),
        },
        None => format!("ended without a record, {status}"),
    };
    if message.is_empty() { end } else { format!("{end}: {message}") }
}

/// Waits for the process; kills it with its group when the time is up and returns `None`.
pub(crate) fn wait(child: &mut Child, timeout: Duration) -> Result<Option<ExitStatus>> {
    // A thread sleeps until the process has ended, which leaves it to be waited for below: asking again and again would disturb
    // what it measures, and find the end late.
    let (sender, ended) = mpsc::channel();
    let process = Pid::from_raw(child.id() as i32);
    std::thread::spawn(move || {
        while waitid(Id::Pid(process), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
        // Nobody waits any more for a process that was killed.
        let _ = sender.send(());
    });
    let in_time = ended.recv_timeout(timeout).is_ok();
    if !in_time {
        // If they are gone already, that is as well; a process without a group of its own is killed alone.
        let _ = killpg(process, Signal::SIGKILL);
        let _ = child.kill();
    }
    let status = child.wait().context("cannot wait for a process that was started")?;
    Ok(in_time.then_some(status))
}

/// Most bytes that are read of what a process says: more than any process of a cell or any recorder does.
const MOST_OUTPUT: u64 = 256 << 20;

/// What a process says, to its end.
pub(crate) fn read_in_background(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = pipe {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // A pipe that breaks has given all it had; nobody may be waiting for it any more.
            let _ = pipe.take(MOST_OUTPUT).read_to_end(&mut bytes);
            let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
        });
    }
    receiver
}
