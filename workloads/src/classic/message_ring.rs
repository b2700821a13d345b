//! `message-ring`: a ring of messages into which new ones are pushed; each push makes the oldest one die.
//!
//! The program by which the pauses of languages were compared: 200,000 messages of 1 KiB, a million pushes, and the
//! longest push is the figure (published, on another machine: Go 4.2 ms, Python 11.8 ms, C 0.38 ms). What dies is old, so a
//! collector that counts on objects dying young gains nothing here.
//!
//! Plain messages are bytes: no collector tracks them, they die by count, and no collection is ever due. A cyclic message
//! refers to itself, and only a collection of cycles frees it.

use gc_core::{Heap, Kind, Mutator, Root, Shape, TypeId};

use super::{outcome, register};
use crate::arrivals::serve;
use crate::audit::audit;
use crate::draws::mix;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Pushes into a full ring of messages: the workload `message-ring`.
pub struct MessageRing {
    cyclic: bool,
    messages: u32,
    bytes: u32,
    pushes: u64,
}

impl Workload for MessageRing {
    const NAME: &'static str = "message-ring";
    const SUMMARY: &'static str = "messages are pushed into a full ring, and the oldest one dies: how long is a push";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "variant",
            meaning: "plain messages are bytes that die by count; cyclic ones refer to themselves",
            default: "plain",
            range: Range::Word(&["plain", "cyclic"]),
        },
        Dial {
            name: "messages",
            meaning: "messages that the ring holds",
            default: "200000",
            range: Range::Integer(1, Shape::MAX_SLOTS as u64),
        },
        Dial {
            name: "bytes",
            meaning: "bytes of a message, rounded up to words of 8",
            default: "1024",
            range: Range::Integer(8, 1_048_576),
        },
        Dial { name: "pushes", meaning: "timed pushes", default: "1000000", range: Range::Integer(1, 100_000_000) },
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] = &[("messages", "20000"), ("pushes", "300000")];
    const OPEN_LOOP: bool = true;
    const AMOUNT: Option<&'static str> = Some("pushes");
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            cyclic: settings.text("variant") == "cyclic",
            messages: settings.integer("messages") as u32,
            bytes: settings.integer("bytes").next_multiple_of(8) as u32,
            pushes: settings.integer("pushes"),
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let list = register(heap, "list", Kind::List);
        let message = register(heap, "message", if self.cyclic { Kind::Instance } else { Kind::Atomic });
        let mutator = heap.attach();
        let ring = mutator.allocate(list, Shape::new(self.messages, 16))?;
        let mut pushed = Pushed { workload: self, message, content: vec![0; self.bytes as usize], seed: plan.seed };
        for number in 0..self.messages {
            ring.put(number, Some(pushed.message(&mutator, u64::from(number))?));
            mutator.safepoint();
        }

        let live = 1 + u64::from(self.messages);
        let mut floating = plan.floating_gauge(live);
        let mut digest = 0;
        plan.stages.timed_part_begins();
        let timings = serve(&mutator, plan, (self.pushes, plan.seed, 0, 1), |n| {
            let number = u64::from(self.messages) + n;
            let newest = pushed.message(&mutator, number)?;
            let place = (number % u64::from(self.messages)) as u32;
            let oldest = mutator.replace(&ring, place, Some(newest)).expect("the ring is full");
            digest = mix(digest ^ self.read(&mutator, &oldest));
            drop(oldest);
            floating.sample_of(heap);
            Ok::<(), RunError>(())
        })?;
        plan.stages.timed_part_ends();

        for place in 0..self.messages {
            let message = ring.load(place).expect("the ring is full");
            digest = mix(digest ^ self.read(&mutator, &message));
        }
        let audit = audit(&mutator, &[ring.object()], live)?;
        let mut outcome = outcome(timings, plan, "push", digest, audit);
        outcome.floating = floating.reading();
        Ok(outcome)
    }
}

impl MessageRing {
    /// What a reader sees of a message: its first and its last word.
    fn read<M: Mutator>(&self, mutator: &M, message: &Root<'_, M>) -> u64 {
        mutator.read_word(message, 0) ^ mutator.read_word(message, self.bytes / 8 - 1).rotate_left(32)
    }
}

/// Makes messages.
struct Pushed<'w> {
    workload: &'w MessageRing,
    message: TypeId,
    /// Of the last message made; the next one's differs in its first and last word.
    content: Vec<u8>,
    seed: u64,
}

impl Pushed<'_> {
    fn message<'m, M: Mutator>(&mut self, mutator: &'m M, number: u64) -> Result<Root<'m, M>, RunError> {
        let last = self.content.len() - 8;
        self.content[last..].copy_from_slice(&mix(self.seed ^ number).to_le_bytes());
        self.content[..8].copy_from_slice(&number.to_le_bytes());
        let slots = u32::from(self.workload.cyclic);
        let message = mutator.allocate(self.message, Shape::new(slots, self.workload.bytes))?;
        mutator.write_payload(&message, 0, &self.content);
        if self.workload.cyclic {
            message.store(0, Some(&message));
        }
        Ok(message)
    }
}
