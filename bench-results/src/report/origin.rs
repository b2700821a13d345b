//! Where a published result comes from, in words: machine, source, command, rounds, seed. Never a name of the machine.

use std::collections::BTreeSet;
use std::path::Path;

use super::source::Source;
use crate::comparison::Run;
use crate::provenance::{Load, Machine, Provenance};
use crate::record::Record;
use crate::units;

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The processors, their cores, whether they are virtual; if there are several machines, each with its number.
    pub machine: String,
    /// The same of each machine alone, in the order of [`Source::machines`].
    pub machines: Vec<String>,
    /// The commit, and whether tracked files differed from it.
    pub commit: String,
    /// The command line; paths are cut to their last name, as they are nobody's business.
    pub command: String,
    /// Repetitions of each cell; of a run that was cut short, how many ended with all their cells, `of` how many.
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
        let ids = source.machines();
        let machines: Vec<String> = ids.iter().map(|id| words(&provenance_on(source, *id).machine)).collect();
        let machine_words = match machines.as_slice() {
            [one] => one.clone(),
            several => {
                let numbered = several.iter().enumerate().map(|(n, words)| format!("machine {}: {words}", n + 1));
                numbered.collect::<Vec<_>>().join("; ")
            }
        };
        let finished = source.rounds_finished();
        let rounds = match run.comparison.rounds {
            Some(planned) if finished < planned as usize => format!("{finished} of {planned}"),
            Some(planned) => planned.to_string(),
            None => finished.to_string(),
        };
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
            machines,
            commit: commit(run),
            command: command(&run.command),
            rounds,
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

    /// The words for a machine by its number, from 1; without one, for all.
    pub fn machine_of(&self, number: Option<usize>) -> &str {
        number.and_then(|number| self.machines.get(number.checked_sub(1)?)).unwrap_or(&self.machine)
    }

    /// What stands below a plot of cells of one machine, by its number where there are several; without one, of the run.
    pub fn caption(&self, number: Option<usize>) -> String {
        let Self { commit, rounds, seed, command, .. } = self;
        let machine = self.machine_of(number);
        let rounds = if rounds == "1" { "1 round".to_owned() } else { format!("{rounds} rounds") };
        format!("{machine}; commit {commit}; {rounds}, seed {seed}. {command}")
    }
}

/// What is known of the program and the machine with this hash: that of the part that ran there.
fn provenance_on<'s>(source: &'s Source, id: Option<&str>) -> &'s Provenance {
    let of_part = |part: &&Run| {
        let points: Vec<String> = part.comparison.points.iter().map(|point| point.id()).collect();
        let ran_there = |record: &Record| record.machine.as_deref() == id;
        let mut records = source.lines.iter().map(|line| &line.record).filter(|record| ran_there(record));
        records.any(|record| record.point.as_ref().is_some_and(|point| points.contains(point)))
    };
    &source.run.parts.iter().find(of_part).unwrap_or(&source.run).provenance
}

/// A machine in words.
pub(crate) fn words(machine: &Machine) -> String {
    let mut words = machine.cpu_model.clone().unwrap_or_else(|| "unknown".to_owned());
    if let Some(cores) = machine.cores {
        words.push_str(&format!(", {cores} cores"));
    }
    if let Some(usable) = machine.usable_cores.filter(|usable| Some(*usable) != machine.cores) {
        words.push_str(&format!(" ({usable} usable)"));
    }
    if machine.is_virtual == Some(true) {
        words.push_str(", virtual");
    }
    words
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
pub(crate) fn command(arguments: &[String]) -> String {
    let shown = |argument: &String| {
        let argument = word_without_paths(argument);
        if argument.contains(char::is_whitespace) { format!("'{argument}'") } else { argument }
    };
    arguments.iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// A word of a command line without the folders of its path, which reaches to the end of the word, blanks and all.
pub(crate) fn word_without_paths(word: &str) -> String {
    let Some(at) = path_in_word(word) else { return without_paths(word) };
    let (before, path) = word.split_at(at);
    format!("{before}{}", Path::new(path).file_name().unwrap_or_default().to_string_lossy())
}

/// Where the absolute path of a word begins, if it has one: at its beginning, or behind a `=`.
fn path_in_word(word: &str) -> Option<usize> {
    let at = if word.starts_with('/') { 0 } else { word.find("=/")? + 1 };
    let path = &word[at..];
    (!path.starts_with("//") && path.contains(|c: char| c.is_alphanumeric())).then_some(at)
}

/// Folders that are known by name. In a text, which does not tell where a path with blanks ends, they are found nevertheless.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// With a slash behind each.
    folders: BTreeSet<String>,
}

impl Places {
    /// The user's own folder, that of temporary files, and the one at hand.
    pub(crate) fn of_machine() -> Self {
        let mut places = Self::default();
        let known = [std::env::home_dir(), Some(std::env::temp_dir()), std::env::current_dir().ok()];
        known.into_iter().flatten().for_each(|folder| places.add(&folder));
        places
    }

    /// Adds a path with the folders above it, if it is an absolute one.
    pub(crate) fn add(&mut self, path: &Path) {
        let folders = path.ancestors().filter(|_| path.is_absolute()).map(|folder| folder.to_string_lossy());
        // What ends in no such character is found by itself.
        self.folders.extend(folders.filter(|folder| folder.contains(ends_a_path)).map(|folder| format!("{folder}/")));
    }

    /// Adds the path of a word or a text that may be one, if there is one.
    pub(crate) fn add_of(&mut self, word: &str) {
        if let Some(at) = path_in_word(word) {
            self.add(Path::new(&word[at..]));
        }
    }

    /// A text in which absolute paths are cut to their last name, these first.
    pub(crate) fn cut(&self, text: &str) -> String {
        let mut left = text.to_owned();
        // The deepest first: what is above it is its beginning.
        for folder in self.folders.iter().rev().filter(|_| text.contains('/')) {
            left = left.replace(folder, "/");
        }
        without_paths(&left)
    }
}

/// Whether a path among words ends here.
fn ends_a_path(c: char) -> bool {
    c.is_whitespace() || "'\"`),;:]".contains(c)
}

/// A text in which absolute paths are cut to their last name. Addresses of the net (`https://…`) stay.
pub(crate) fn without_paths(text: &str) -> String {
    let mut cut = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    // The quote that the word at hand stands in: a path in it may have blanks, and ends where the quote does.
    let mut quote = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let begins = before.is_none_or(|c| c.is_whitespace() || "=:;'\"`(,[".contains(c));
        let is_address = before == Some(':') && rest.starts_with("//") && !rest.starts_with("///");
        let closing = quote.and_then(|quote| rest.find(quote));
        // A path that is all of a text may have blanks in it; one among words ends at the first.
        let end = if before.is_none() && Path::new(text).is_absolute() && !text.contains(": ") {
            rest.len()
        } else {
            closing.or_else(|| rest.find(ends_a_path)).unwrap_or(rest.len())
        };
        let (path, beyond) = rest.split_at(end.max(c.len_utf8()));
        if c == '/' && begins && !is_address && path[1..].contains(|c: char| c.is_alphanumeric()) {
            let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
            cut.push_str(&name.unwrap_or_default());
            (before, rest) = (path.chars().last(), beyond);
            continue;
        }
        if c.is_whitespace() || quote == Some(c) {
            quote = None;
        } else if begins && "'\"".contains(c) {
            quote = Some(c);
        }
        cut.push(c);
        (before, rest) = (Some(c), &rest[c.len_utf8()..]);
    }
    cut
}

/// The same of a drawing (SVG): of what it says, and of what its marks say; the marks themselves stay.
pub(crate) fn drawing_without_paths(svg: &str) -> String {
    let mut cut = String::with_capacity(svg.len());
    let (mut in_mark, mut in_value, mut rest) = (false, false, svg);
    while !rest.is_empty() {
        let ends = |c: char| if in_value { c == '"' } else { "<>".contains(c) || (in_mark && c == '"') };
        let (piece, beyond) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        if in_mark && !in_value {
            cut.push_str(piece);
        } else {
            cut.push_str(&without_paths(piece));
        }
        let mut after = beyond.chars();
        match after.next() {
            Some('<') => in_mark = true,
            Some('>') => in_mark = false,
            Some('"') => in_value = !in_value,
            _ => {}
        }
        cut.extend(beyond.chars().next());
        rest = after.as_str();
    }
    cut
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

    #[test]
    fn the_path_of_a_word_reaches_to_its_end() {
        for (word, expected) in [
            ("--out=/tmp/jane doe/x1", "--out=x1"),
            ("--out=/a/jane: doe/my run", "--out=my run"),
            ("--set=heap=/a/jane doe/sec/f", "--set=heap=f"),
            ("web-requests.heap=/a/jane, doe/f", "web-requests.heap=f"),
            ("/a/jane doe/x: y/run", "run"),
            ("--set=load=1/2", "--set=load=1/2"),
            ("https://example.org/a b", "https://example.org/a b"),
            ("--pull=//", "--pull=//"),
            ("runs/jane doe", "runs/jane doe"),
        ] {
            assert_eq!(word_without_paths(word), expected);
            assert_eq!(word_without_paths(expected), expected);
        }
        let words = ["gclab", "--out=/a/jane doe/x", "--set", "heap=/b/jane doe/f"].map(str::to_owned);
        assert_eq!(command(&words), "gclab --out=x --set heap=f");
    }

    #[test]
    fn known_folders_are_cut_where_words_do_not_tell_them_apart() {
        let mut places = Places::default();
        for known in ["heap=/a/jane doe/sec, ret/f", "--out=/b/jane doe", "no path", "runs/jane doe"] {
            places.add_of(known);
        }
        for (text, expected) in [
            ("web,heap=/a/jane doe/sec, ret/f,live=3", "web,heap=f,live=3"),
            ("cannot read /a/jane doe/other.gz: gone", "cannot read other.gz: gone"),
            ("both /b/jane doe/run.json and /c/d/e are gone", "both run.json and e are gone"),
            ("60/s of jane doe", "60/s of jane doe"),
        ] {
            assert_eq!(places.cut(text), expected);
            assert_eq!(places.cut(expected), expected);
        }
    }

    #[test]
    fn texts_lose_what_is_above_the_last_name_of_a_path_and_nothing_else() {
        let cases = [
            ("/a/somebody/runs/deep", "deep"),
            ("/a/some body/x", "x"),
            ("x is /a/somebody/y z", "x is y z"),
            ("cannot open '/a/somebody/h.gz': gone (/proc/1/maps)", "cannot open 'h.gz': gone (maps)"),
            ("60,687/s or 1/2, a / b, // and /", "60,687/s or 1/2, a / b, // and /"),
            ("runs/deep", "runs/deep"),
            ("gclab run --set 'heap=/a/some body/h.gz' --seed 1", "gclab run --set 'heap=h.gz' --seed 1"),
            (
                r#"{"command":"gclab run --set heap=/a/b/h.gz","x":"/c/d e/f"}"#,
                r#"{"command":"gclab run --set heap=h.gz","x":"f"}"#,
            ),
            ("the user's file of /a/b/c is gone", "the user's file of c is gone"),
            (
                "see https://peps.python.org/pep-0442/ and file:///a/b/c",
                "see https://peps.python.org/pep-0442/ and file:c",
            ),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(without_paths(text), expected);
            assert_eq!(without_paths(expected), expected);
        }
    }

    #[test]
    fn a_drawing_keeps_its_marks() {
        let svg = r#"<svg xmlns="http://www.w3.org/2000/svg"><title>p99</title><path d="M0,0"/><text class="a">h=/a/b/c; &quot;/d/e&quot;</text></svg>"#;
        assert_eq!(drawing_without_paths(svg), svg.replace("/a/b/c", "c").replace("/d/e", "e"));
    }
}
