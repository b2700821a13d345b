//! How a child tells its parent how far it has come, and waits until the parent has looked: a line of JSON one way, a byte
//! the other.

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};

use anyhow::{Context, Result, anyhow, bail};

use serde::{Deserialize, Serialize};

use super::ranges::Ranges;
use super::record::Said;

/// What a child says at a stage.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) said: Said,
    /// Where its heap lies now.
    pub(super) ranges: Ranges,
}

/// What stands in a line: that, or why the child cannot go on.
type Line = Result<Message, String>;

/// The ends of both pipes that the parent has.
pub(super) struct ParentEnd {
    messages: BufReader<PipeReader>,
    go: PipeWriter,
}

/// Those that the child has.
pub(super) struct ChildEnd {
    messages: PipeWriter,
    go: PipeReader,
}

/// Both ends. After the fork each side drops the other's.
pub(super) fn pipes() -> io::Result<(ParentEnd, ChildEnd)> {
    let (messages, to_parent) = io::pipe()?;
    let (go, to_child) = io::pipe()?;
    let parent = ParentEnd { messages: BufReader::new(messages), go: to_child };
    Ok((parent, ChildEnd { messages: to_parent, go }))
}

impl ParentEnd {
    /// Waits for what the child says next.
    pub(super) fn hear(&mut self) -> Result<Message> {
        let mut line = String::new();
        let read = self.messages.read_line(&mut line).context("cannot read what a child says")?;
        if read == 0 {
            bail!("a child ended early; memory may have run out");
        }
        let message: Line = serde_json::from_str(&line).context("a child says what is no message")?;
        message.map_err(|cause| anyhow!("a child could not go on: {cause}"))
    }

    /// Lets the child go on.
    pub(super) fn go_on(&mut self) -> Result<()> {
        self.go.write_all(b"g").context("a child is gone")
    }
}

impl ChildEnd {
    /// Says how far it is, and waits until the parent has looked. False if there is no parent any more.
    pub(super) fn say(&mut self, message: Message) -> bool {
        self.send(&Ok(message)) && matches!(self.go.read(&mut [0]), Ok(1))
    }

    /// Says why it cannot go on.
    pub(super) fn give_up(&mut self, cause: String) {
        self.send(&Err(cause));
    }

    /// Waits until the parent ends it, or is gone.
    pub(super) fn stay(&mut self) {
        // Whatever the outcome, there is nothing left to do.
        let _ = self.go.read(&mut [0]);
    }

    fn send(&mut self, line: &Line) -> bool {
        let Ok(mut line) = serde_json::to_vec(line) else { return false };
        line.push(b'\n');
        self.messages.write_all(&line).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gc_core::{GenerationalHeap, Heap, HeapConfig, NoObserver};

    use super::super::record::Stage;
    use super::*;

    fn message(stage: Stage) -> Message {
        let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
        let said = Said {
            stage,
            minor_faults: Some(3),
            wall_ns: 4,
            cpu_ns: 5,
            found: None,
            live_objects: 6,
            held_bytes: 7,
            side_bytes: 8,
            frozen_objects: 9,
            digest: None,
            requests: 10,
            replaced: 11,
        };
        Message { said, ranges: Ranges::of(&heap) }
    }

    #[test]
    fn what_a_child_says_arrives_and_it_waits_for_the_answer() {
        let (mut parent, mut child) = pipes().unwrap();
        let sent = message(Stage::Forked);
        let received = sent.clone();
        let talk = std::thread::spawn(move || {
            let went_on = child.say(sent);
            child.give_up("no memory".to_owned());
            went_on
        });
        assert_eq!(parent.hear().unwrap(), received);
        parent.go_on().unwrap();
        assert!(parent.hear().unwrap_err().to_string().contains("no memory"));
        assert!(talk.join().unwrap());
        assert!(parent.hear().unwrap_err().to_string().contains("ended early"));
    }

    #[test]
    fn a_child_without_a_parent_does_not_go_on() {
        let (parent, mut child) = pipes().unwrap();
        drop(parent);
        assert!(!child.say(message(Stage::Served)));
    }
}
