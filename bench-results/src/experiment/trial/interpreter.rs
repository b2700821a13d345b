//! Live interpreters: what one is, and how it runs a program of an experiment.
//!
//! An interpreter runs in a process that is killed with this one, with everything of its environment ignored. It is started
//! by another process of this program, which ties itself to this one and then becomes the interpreter: what the system
//! counts is the interpreter's alone.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::figures::{Figures, check};
use super::programs::Programs;
use crate::invocation::{Ended, cause, read_in_background, run_again, wait};
use crate::record::Status;

/// How long an interpreter may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks an interpreter what it is; any Python since 2.7 can answer.
const QUESTION: &str = "import sys, platform; print(platform.python_implementation() + ' ' + platform.python_version() \
                        + getattr(sys, 'abiflags', ''))";

/// A CPython on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Python {
    path: PathBuf,
    /// Such as `CPython 3.12.1`; `t` behind it: a build without the global lock.
    pub version: String,
}

/// A program with its arguments, beside `--json`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// Its file, such as `shapes.py`.
    pub program: &'static str,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Script {
    /// With these options: `--NAME VALUE` each.
    pub fn new(program: &'static str, options: &[(&str, &dyn std::fmt::Display)]) -> Self {
        let arguments = options.iter().flat_map(|(name, value)| [format!("--{name}"), value.to_string()]).collect();
        Self { program, arguments }
    }
}

/// What came of a program.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// How it ended.
    pub status: Status,
    /// Why, unless `ok`.
    pub error: Option<String>,
    /// What it measured; empty unless `ok`.
    pub figures: Figures,
}

/// The line that every program prints; what else is in it is what it was asked.
#[derive(Deserialize)]
struct Told {
    figures: Figures,
}

impl Python {
    /// Asks the interpreter what it is.
    ///
    /// # Errors
    /// If there is none, or it is no CPython from 3.8 on.
    pub fn find(path: &Path) -> Result<Self> {
        Self::of_process(path, start(path)?, PATIENCE)
    }

    /// What a process is that was started to say it.
    fn of_process(path: &Path, process: Child, patience: Duration) -> Result<Self> {
        let shown = path.display();
        let Some(text) = heard(process, patience)? else {
            bail!(
                "{shown} did not say what it is in {} s, and was killed; give the executable of a CPython by --python",
                patience.as_secs_f64()
            );
        };
        let version = text.trim();
        let Some(number) = version.strip_prefix("CPython ") else {
            let said: String = version.chars().take(60).collect();
            bail!(
                "{shown} is no CPython: asked what it is, it said `{said}`; give the executable of a CPython by --python"
            );
        };
        let parts: Vec<u32> = number.split('.').take(2).filter_map(|part| part.parse().ok()).collect();
        if parts < vec![3, 8] {
            bail!("{shown} is {version}; the programs need 3.8 or later: give another one by --python");
        }
        // A build with the old allocator has the flag `m` up to 3.7 only: what is left are `t` and `d`.
        Ok(Self { path: path.to_owned(), version: version.to_owned() })
    }

    /// One that is not there, for tests.
    #[cfg(test)]
    pub(crate) fn of_version(version: &str) -> Self {
        Self { path: PathBuf::new(), version: version.to_owned() }
    }

    /// What a command line that is kept calls it, wherever it lies: `python3.12`, `python3.14t`.
    pub fn command_name(&self) -> String {
        let number = self.version.trim_start_matches("CPython ");
        let minor: Vec<&str> = number.split('.').take(2).collect();
        // Of the flags only these are in the names of commands.
        let flag = if number.ends_with('t') { "t" } else { "" };
        format!("python{}{flag}", minor.join("."))
    }

    /// Runs a program to its end, or until the time is up. That it fails is an answer of an interpreter that is there: whether
    /// it is, it is asked again. One that is there and does not say what it is, as on a busy machine, is there.
    ///
    /// # Errors
    /// If the interpreter is gone, is no longer the same, or cannot start.
    pub fn run(&self, programs: &Programs, script: &Script, timeout: Duration) -> Result<Answer> {
        let mut arguments: Vec<OsString> = vec!["reproduce".into(), "interpreter".into()];
        arguments.extend(["--python".into(), self.path.clone().into(), "--program".into()]);
        arguments.push(programs.path(script.program).into());
        for argument in &script.arguments {
            arguments.extend(["--argument".into(), argument.into()]);
        }
        let answer = answer(run_again(&arguments, timeout)?, timeout);
        if answer.status == Status::Error {
            self.ask_again(PATIENCE)?;
        }
        Ok(answer)
    }

    fn ask_again(&self, patience: Duration) -> Result<()> {
        let remedy = "finished cells are kept: put it back, or name its new place by --python, and go on with --resume";
        let process = start(&self.path).with_context(|| format!("{} is gone; {remedy}", self.version))?;
        // Who is there and says nothing, or nothing to the point, has answered nothing that would make the failed cell vanish.
        let Ok(Some(text)) = heard(process, patience) else { return Ok(()) };
        let version = text.trim();
        if version.starts_with("CPython ") && version != self.version {
            bail!("{} is gone: {version} is in its place; {remedy}", self.version);
        }
        Ok(())
    }
}

/// Starts an interpreter that says what it is.
fn start(path: &Path) -> Result<Child> {
    let mut command = Command::new(path);
    command.args(["-c", QUESTION]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // A group of its own, so that what it starts is killed with it.
    command.process_group(0);
    let cause = || format!("cannot start {}; give the executable of a CPython by --python", path.display());
    command.spawn().with_context(cause)
}

/// What it says; `None` if that takes too long: it is killed.
fn heard(mut process: Child, patience: Duration) -> Result<Option<String>> {
    let output = read_in_background(process.stdout.take());
    let ended = wait(&mut process, patience)?;
    Ok(ended.map(|_| output.recv_timeout(Duration::from_secs(1)).unwrap_or_default()))
}

fn answer(ended: Ended, timeout: Duration) -> Answer {
    let failed = |status, error: String| Answer { status, error: Some(error), figures: Figures::new() };
    let Some(status) = ended.status else {
        let error = format!("not done after {} s and killed; allow more with --timeout", timeout.as_secs());
        return failed(Status::Timeout, error);
    };
    if !status.success() {
        return failed(Status::Error, cause(status, ended.messages.lines().last().unwrap_or_default()));
    }
    let Some(told) = ended.output.lines().last().and_then(|line| serde_json::from_str::<Told>(line).ok()) else {
        return failed(Status::Error, "the program did not end in a line of figures".to_owned());
    };
    match check(&told.figures) {
        Ok(()) => Answer { status: Status::Ok, error: None, figures: told.figures },
        Err(wrong) => failed(Status::WrongDigest, wrong.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn ended(status: Option<i32>, output: &str) -> Ended {
        let status = status.map(ExitStatus::from_raw);
        Ended { status, output: output.to_owned(), messages: "Traceback\nMemoryError".to_owned() }
    }

    #[test]
    fn each_end_of_a_program_is_an_answer() {
        let second = Duration::from_secs(1);
        let good =
            answer(ended(Some(0), "{\"program\": \"x\", \"figures\": {\"a_ns\": 3, \"b_bytes\": null}}\n"), second);
        assert_eq!((good.status, good.figures.len()), (Status::Ok, 2));
        for (end, status, why) in [
            (ended(None, ""), Status::Timeout, "not done after 1 s"),
            (ended(Some(256), ""), Status::Error, "MemoryError"),
            (ended(Some(9), ""), Status::Error, "SIGKILL"),
            (ended(Some(0), "hello\n"), Status::Error, "line of figures"),
            (ended(Some(0), "{\"figures\": {\"a_ns\": -3}}"), Status::WrongDigest, "a_ns cannot be -3"),
        ] {
            let answer = answer(end, second);
            assert_eq!(answer.status, status);
            assert!(answer.error.as_ref().unwrap().contains(why), "{answer:?}");
            assert!(answer.figures.is_empty());
        }
    }

    #[test]
    fn versions_have_the_names_of_their_commands() {
        for (version, name) in [
            ("CPython 3.12.1", "python3.12"),
            ("CPython 3.8.18", "python3.8"),
            ("CPython 3.14.4t", "python3.14t"),
            ("CPython 3.15.0a1", "python3.15"),
        ] {
            assert_eq!(Python::of_version(version).command_name(), name);
        }
    }

    /// An executable of these lines.
    fn script(folder: &Path, lines: &str) -> PathBuf {
        let path = folder.join("python");
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn what_does_not_end_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        let path = script(folder.path(), &format!("sleep 600 & echo $! > '{}'; wait", file.display()));
        let process = start(&path).unwrap();
        // On a busy machine the script begins late.
        let read = || fs::read_to_string(&file).unwrap_or_default();
        let mut tries = (0..3000).map(|_| std::thread::sleep(Duration::from_millis(10)));
        let has_begun = tries.any(|()| read().ends_with('\n'));
        let error = Python::of_process(&path, process, Duration::from_millis(500)).unwrap_err().to_string();
        assert!(error.contains("did not say what it is in 0.5 s") && error.contains("--python"), "{error}");
        assert!(has_begun, "the script wrote no number in 30 s");
        let number = read();
        let status = || fs::read_to_string(format!("/proc/{}/status", number.trim())).unwrap_or_default();
        let is_gone = || !status().contains("State:") || status().contains("State:\tZ");
        let tries = (0..1000).map(|_| std::thread::sleep(Duration::from_millis(10)));
        assert!(is_gone() || tries.into_iter().any(|()| is_gone()), "{}", status());
    }

    #[test]
    fn an_interpreter_that_is_another_by_now_is_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let python = Python::find(&script(folder.path(), "echo CPython 3.99.0")).unwrap();
        python.ask_again(PATIENCE).unwrap();
        script(folder.path(), "echo CPython 3.99.1");
        let error = format!("{:#}", python.ask_again(PATIENCE).unwrap_err());
        assert!(error.contains("CPython 3.99.0 is gone: CPython 3.99.1 is in its place"), "{error}");
        fs::remove_file(folder.path().join("python")).unwrap();
        let error = format!("{:#}", python.ask_again(PATIENCE).unwrap_err());
        assert!(error.contains("finished cells are kept") && error.contains("cannot start"), "{error}");
    }

    #[test]
    fn an_interpreter_that_says_nothing_or_something_odd_is_not_gone() {
        let folder = tempfile::tempdir().unwrap();
        let python = Python::find(&script(folder.path(), "echo CPython 3.99.0")).unwrap();
        for (lines, patience) in
            [("exec sleep 600", Duration::from_millis(100)), ("echo out of memory", PATIENCE), ("exit 1", PATIENCE)]
        {
            script(folder.path(), lines);
            python.ask_again(patience).unwrap();
        }
    }

    #[test]
    fn what_is_no_cpython_is_refused_with_a_cause() {
        for (path, why) in
            [("/nowhere/python", "cannot start"), ("/bin/echo", "no CPython"), ("/bin/false", "no CPython")]
        {
            let error = format!("{:#}", Python::find(Path::new(path)).unwrap_err());
            assert!(error.contains(why) && error.contains("--python"), "{error}");
        }
    }
}
