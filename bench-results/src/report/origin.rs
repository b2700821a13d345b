//! Where a published result comes from, in words: machine, source, command, rounds, seed. Never a name of the machine.

use std::path::Path;

use super::source::Source;
use crate::comparison::Run;
use crate::provenance::Load;
use crate::units;

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The processor, its cores, whether it is virtual.
    pub machine: String,
    /// The commit, and whether tracked files differed from it.
    pub commit: String,
    /// The command line; paths are cut to their last name, as they are nobody's business.
    pub command: String,
    /// Repetitions of each cell.
    pub rounds: String,
    /// Of every random choice.
    pub seed: u64,
    /// Further facts: a name and a value each.
    pub further: Vec<(&'static str, String)>,
}

impl Origin {
    /// Of a run.
    pub fn of(source: &Source) -> Self {
        let run = &source.run;
        let machine = &run.provenance.machine;
        let unknown = || "unknown".to_owned();
        let text = |value: &Option<String>| value.clone().unwrap_or_else(unknown);
        let mut machine_words = text(&machine.cpu_model);
        if let Some(cores) = machine.cores {
            machine_words.push_str(&format!(", {cores} cores"));
        }
        if let Some(usable) = machine.usable_cores.filter(|usable| Some(*usable) != machine.cores) {
            machine_words.push_str(&format!(" ({usable} usable)"));
        }
        if machine.is_virtual == Some(true) {
            machine_words.push_str(", virtual");
        }
        let machines = source.machines();
        if machines.len() > 1 {
            machine_words.push_str(&format!("; its parts ran on {} machines", machines.len()));
        }
        let memory = machine.memory_bytes.map_or_else(unknown, units::size);
        let further = vec![
            ("started", run.started.clone()),
            ("ended", run.ended.clone().unwrap_or_else(|| "not finished".to_owned())),
            (
                "gclab",
                format!("{}, {} build, {}", run.provenance.version, run.provenance.profile, run.provenance.rustc),
            ),
            ("program (SHA-256)", run.provenance.binary.clone().unwrap_or_else(unknown)),
            ("kernel", text(&machine.kernel)),
            ("memory", memory),
            ("clock", text(&machine.clock_source)),
            ("governor", text(&machine.governor)),
            ("huge pages", text(&machine.huge_pages)),
            ("address randomization", text(&machine.aslr)),
            ("load before and after", loads(run)),
        ];
        Self {
            machine: machine_words,
            commit: commit(run),
            command: command(&run.command),
            rounds: run.comparison.rounds.map_or_else(unknown, |rounds| rounds.to_string()),
            seed: run.comparison.seed,
            further,
        }
    }

    /// All facts, a name and a value each.
    pub fn facts(&self) -> Vec<(&str, &str)> {
        let first = [
            ("machine", self.machine.as_str()),
            ("commit", &self.commit),
            ("command", &self.command),
            ("rounds", &self.rounds),
        ];
        first.into_iter().chain(self.further.iter().map(|(name, value)| (*name, value.as_str()))).collect()
    }

    /// What stands below a plot.
    pub fn caption(&self) -> String {
        let Self { machine, commit, rounds, seed, command, .. } = self;
        let rounds = if rounds == "1" { "1 round".to_owned() } else { format!("{rounds} rounds") };
        format!("{machine}; commit {commit}; {rounds}, seed {seed}. {command}")
    }
}

fn commit(run: &Run) -> String {
    let Some(commit) = &run.provenance.git_commit else { return "unknown".to_owned() };
    let short = commit.get(..12).unwrap_or(commit);
    match run.provenance.git_dirty {
        Some(false) => format!("{short} (clean)"),
        Some(true) => format!("{short} (with changes)"),
        None => format!("{short} (changes unknown)"),
    }
}

/// A command line to read and to paste: arguments with blanks are quoted, absolute paths cut to their last name.
fn command(arguments: &[String]) -> String {
    let shown = |argument: &String| {
        let name = |path: &str| Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        let cut = match argument.find("=/") {
            Some(at) => name(&argument[at + 1..]).map(|name| format!("{}={name}", &argument[..at])),
            None if argument.starts_with('/') => name(argument),
            None => None,
        };
        let argument = cut.unwrap_or_else(|| argument.clone());
        if argument.contains(char::is_whitespace) { format!("'{argument}'") } else { argument }
    };
    arguments.iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn loads(run: &Run) -> String {
    let average = |load: &Load| load.averages.map(|averages| format!("{:.2}", averages[0]));
    let before = average(&run.load_before).unwrap_or_else(|| "unknown".to_owned());
    let after = run.load_after.as_ref().and_then(average).unwrap_or_else(|| "unknown".to_owned());
    let stolen = run.load_after.as_ref().and_then(|after| after.steal_ticks?.checked_sub(run.load_before.steal_ticks?));
    let stolen = stolen.map_or_else(|| "unknown".to_owned(), |ticks| units::time(ticks * 10_000_000));
    format!("{before}, {after}; stolen by the hypervisor: {stolen}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_shows_no_path_above_the_last_name() {
        let arguments = ["gclab", "compare", "--out", "/a/somebody/runs/deep", "--set=x=/a/somebody/y z"];
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let command = command(&arguments);
        assert!(!command.contains("somebody"), "{command}");
        assert!(command.starts_with("gclab compare --out deep"), "{command}");
    }
}
