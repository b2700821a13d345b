//! The command line of `peers requests`.

use std::time::Duration;

use super::lineup::{self, Entry};
use super::program::Length;

/// First word of the line with which the program calls itself for one contestant.
pub const SERVE: &str = "--serve";

/// What to run.
pub struct Options {
    pub contestants: Vec<&'static Entry>,
    pub threads: usize,
    pub rounds: usize,
    pub length: Length,
}

impl Options {
    pub fn usage() -> String {
        let names = |usual| {
            let names: Vec<_> = lineup::all().filter(|entry| entry.usual == usual).map(|entry| entry.name).collect();
            names.join(", ")
        };
        format!(
            "usage: peers requests [SECONDS] [NAMES...] [--threads N] [--rounds N] [--requests N]\n\
             \n\
             SECONDS       how long each contestant serves in a round (3)\n\
             NAMES         contestants: {}\n\
             \x20             and, only if named: {}\n\
             --threads N   threads, 1 to 64 (2)\n\
             --rounds N    interleaved rounds (3; 1 with --requests)\n\
             --requests N  each thread serves N requests, however long it takes; the digest is of all of them",
            names(true),
            names(false)
        )
    }

    pub fn read(words: &[String]) -> Result<Self, String> {
        let mut contestants = Vec::new();
        let (mut threads, mut rounds, mut seconds, mut requests) = (2, None, None, None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut number = |most: u64| {
                let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
                let fits = value.parse().ok().filter(|number| (1..=most).contains(number));
                fits.ok_or_else(|| format!("{word} is a number from 1 to {most}, not {value:?}"))
            };
            match word.as_str() {
                "--threads" => threads = number(64)? as usize,
                "--rounds" => rounds = Some(number(1000)? as usize),
                "--requests" => requests = Some(number(1_000_000_000)?),
                _ if word.starts_with('-') => return Err(format!("there is no option {word}")),
                _ => match (word.parse::<f64>(), lineup::all().find(|entry| entry.name == word)) {
                    (Ok(time), _) if (0.01..=3600.0).contains(&time) && seconds.is_none() => seconds = Some(time),
                    (Ok(_), _) if seconds.is_some() => return Err("SECONDS is there twice".to_owned()),
                    (Ok(_), _) => return Err(format!("SECONDS is from 0.01 to 3600, not {word}")),
                    (_, Some(entry)) if !contestants.iter().any(|other: &&Entry| other.name == entry.name) => {
                        contestants.push(entry);
                    }
                    (_, Some(_)) => return Err(format!("{word} is there twice")),
                    (_, None) => return Err(format!("there is no contestant {word:?}")),
                },
            }
        }
        if seconds.is_some() && requests.is_some() {
            return Err("either SECONDS or --requests".to_owned());
        }
        if contestants.is_empty() {
            contestants.extend(lineup::all().filter(|entry| entry.usual));
        }
        let length = match requests {
            Some(requests) => Length::Requests(requests),
            None => Length::Time(Duration::from_secs_f64(seconds.unwrap_or(3.0))),
        };
        let rounds = rounds.unwrap_or(if requests.is_some() { 1 } else { 3 });
        Ok(Self { contestants, threads, rounds, length })
    }
}

/// A length as the program tells it to itself.
pub fn length_word(length: Length) -> String {
    match length {
        Length::Time(time) => format!("time:{}", time.as_nanos()),
        Length::Requests(requests) => format!("requests:{requests}"),
    }
}

/// The length that such a word means.
pub fn read_length(word: &str) -> Option<Length> {
    let (kind, number) = word.split_once(':')?;
    let number = number.parse().ok()?;
    match kind {
        "time" => Some(Length::Time(Duration::from_nanos(number))),
        "requests" => Some(Length::Requests(number)),
        _ => None,
    }
}
