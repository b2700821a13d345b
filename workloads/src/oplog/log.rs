//! The format of an operation log.

use serde::{Deserialize, Serialize};

/// Registers and slots that a log may ask for, against absurd headers.
const MAX_REGISTERS: usize = 1 << 16;
const MAX_SLOTS: u32 = 1 << 12;

/// The first line of a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Its name.
    pub log: String,
    /// Which rules it dwells on.
    pub group: String,
    /// Strong roots, null at first.
    pub registers: usize,
    /// Reference slots of each object.
    pub slots: u32,
    /// Thresholds at the start.
    pub threshold: [u32; 3],
    /// Whether automatic collection is on at the start.
    pub enabled: bool,
}

/// What an allocated object does at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ObjectKind {
    /// Nothing.
    O,
    /// Has a finalizer.
    F,
    /// Has a finalizer that resurrects it.
    Z,
}

/// One operation. Field names are those of the format: `r`, `q` registers, `s` a slot, `w` a weak reference.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the format's, told above; the variants are told in `replay`")]
pub enum Operation {
    Alloc { r: usize, k: ObjectKind },
    Store { r: usize, s: u32, q: usize },
    Clear { r: usize, s: u32 },
    Load { r: usize, q: usize, s: u32 },
    Move { r: usize, q: usize },
    Drop { r: usize },
    Weakref { w: usize, r: usize, cb: u8 },
    Wslot { w: usize, r: usize, s: u32, q: usize, cb: u8 },
    Deref { r: usize, w: usize },
    Dropweak { w: usize },
    Unlimbo { r: usize },
    Collect { g: u8 },
    SetThreshold { a: u32, b: u32, c: u32 },
    Enable,
    Disable,
    Freeze,
    Unfreeze,
    Snap,
}

/// A whole log, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// The first line.
    pub header: Header,
    /// The others.
    pub operations: Vec<Operation>,
}

/// A log cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LogError {
    /// No line at all.
    #[error("the log is empty; its first line must be a header with registers, slots, threshold and enabled")]
    Empty,
    /// A line is not what it should be.
    #[error("line {line}: {cause}; see the format of operation logs in the documentation of `workloads::oplog`")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        cause: String,
    },
}

impl Log {
    /// Reads a log.
    ///
    /// # Errors
    /// A line that is no JSON of the format, or an operation on a register, slot or weak reference that is not there.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (first_number, first) = lines.next().ok_or(LogError::Empty)?;
        let error = |line: usize, cause: String| LogError::Line { line: line + 1, cause };
        let header: Header = serde_json::from_str(first).map_err(|cause| error(first_number, cause.to_string()))?;
        if header.registers == 0 || header.registers > MAX_REGISTERS || header.slots == 0 || header.slots > MAX_SLOTS {
            let cause = format!(
                "{} registers and {} slots; at least 1, at most {MAX_REGISTERS} and {MAX_SLOTS}",
                header.registers, header.slots
            );
            return Err(error(first_number, cause));
        }
        let mut operations = Vec::new();
        let mut weak_references = 0;
        for (number, line) in lines {
            let operation: Operation = serde_json::from_str(line).map_err(|cause| error(number, cause.to_string()))?;
            operation.check(&header, &mut weak_references).map_err(|cause| error(number, cause))?;
            operations.push(operation);
        }
        Ok(Self { header, operations })
    }

    /// The log as a file holds it. Fields that a reader has no use for, such as the seed, are not there any more.
    pub fn print(&self) -> String {
        let mut text = serde_json::to_string(&self.header).expect("numbers and strings only") + "\n";
        for operation in &self.operations {
            text += &operation.print();
            text.push('\n');
        }
        text
    }

    /// Whether the interpreter's own objects, which were frozen before the log began, come back into the generations.
    pub fn unfreezes(&self) -> bool {
        self.operations.contains(&Operation::Unfreeze)
    }
}

impl Operation {
    /// The operation as a line of a log.
    pub fn print(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings only")
    }

    /// Registers and slots must exist; weak references are numbered in the order of the operations that make them.
    fn check(&self, header: &Header, weak_references: &mut usize) -> Result<(), String> {
        let register = |r: usize| (r < header.registers).then_some(()).ok_or(format!("there is no register {r}"));
        let slot = |s: u32| (s < header.slots).then_some(()).ok_or(format!("there is no slot {s}"));
        let known =
            |w: usize, count: usize| (w < count).then_some(()).ok_or(format!("weak reference {w} was never made"));
        match *self {
            Operation::Alloc { r, .. } | Operation::Drop { r } | Operation::Unlimbo { r } => register(r),
            Operation::Store { r, s, q } | Operation::Load { r, q, s } => register(r).and(register(q)).and(slot(s)),
            Operation::Clear { r, s } => register(r).and(slot(s)),
            Operation::Move { r, q } => register(r).and(register(q)),
            Operation::Weakref { w, r, .. } => {
                register(r)?;
                Self::number(w, weak_references)
            }
            Operation::Wslot { w, r, s, q, .. } => {
                register(r).and(register(q)).and(slot(s))?;
                Self::number(w, weak_references)
            }
            Operation::Deref { r, w } => register(r).and(known(w, *weak_references)),
            Operation::Dropweak { w } => known(w, *weak_references),
            Operation::Collect { g } => (g < 3).then_some(()).ok_or(format!("there is no generation {g}")),
            Operation::SetThreshold { .. }
            | Operation::Enable
            | Operation::Disable
            | Operation::Freeze
            | Operation::Unfreeze
            | Operation::Snap => Ok(()),
        }
    }

    fn number(w: usize, weak_references: &mut usize) -> Result<(), String> {
        // A number may be used again only for the same place in the table; gaps would ask for absurd tables.
        if w > *weak_references {
            return Err(format!("weak reference {w} comes before {weak_references}"));
        }
        *weak_references = (*weak_references).max(w + 1);
        Ok(())
    }
}
