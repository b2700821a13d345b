//! Threads that wait for one another: the world that stands still, and the collector's bell.
//!
//! State machines in plain Rust, models of the protocols of `world` and of `collector` with `trigger`, not the shipped
//! code, which uses the locks of the standard library. A section under a lock is one step. A thread that waits for a
//! condition is blocked until it is notified, and then looks again. Each thread does a few operations and ends; a state in
//! which nothing can happen and somebody has not ended is a deadlock.

use crate::exhaustive::{Machine, caught, holds};

const THREADS: usize = 3;

/// Where a mutator is, between two sections under the world's lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    /// In a safe region, or detached.
    Safe,
    /// Uses the heap.
    Running,
    /// In `pass`, having seen that the world is to stand still. True: on its way to stop it itself.
    Passing(bool),
    /// In `enter`, having seen that the world stands still.
    Entering(bool),
    /// In `stop`, having passed.
    Stopping,
    /// In `stop`: waits until nobody runs.
    Quieting,
    /// The world stands still for it.
    Alone,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct World {
    threads: [(At, u8); THREADS],
    /// Threads that wait for a notification, as bits.
    blocked: u8,
    running: u8,
    stopped: bool,
}

/// Which rules of the world are kept.
struct Standstill {
    /// Who leaves as the last one notifies.
    notifies: bool,
    /// Who wants to stop the world stands still first if another one stops it.
    passes: bool,
    /// Who leaves a safe region waits until the world goes on.
    waits: bool,
}

const STANDSTILL: Standstill = Standstill { notifies: true, passes: true, waits: true };

impl World {
    fn new() -> Self {
        Self { threads: [(At::Safe, 3); THREADS], blocked: 0, running: 0, stopped: false }
    }

    /// Wakes those at any of these places.
    fn notify(&mut self, is_there: impl Fn(At) -> bool) {
        for t in (0..THREADS).filter(|&t| is_there(self.threads[t].0)) {
            self.blocked &= !(1 << t);
        }
    }
}

impl Standstill {
    fn leave(&self, world: &mut World) {
        world.running -= 1;
        if world.running == 0 && self.notifies {
            world.notify(|at| at == At::Quieting);
        }
    }

    fn enter(&self, world: &mut World, t: usize, to_stop: bool) {
        world.running += 1;
        world.threads[t].0 = if to_stop { At::Stopping } else { At::Running };
    }
}

impl Machine for Standstill {
    type State = World;
    type Key = World;

    fn key(&self, state: &World) -> World {
        *state
    }

    fn successors(&self, world: &World, add: &mut impl FnMut(World)) {
        for t in (0..THREADS).filter(|t| world.blocked & 1 << t == 0) {
            let mut next = *world;
            let (at, left) = world.threads[t];
            match at {
                At::Safe if left == 0 => continue,
                At::Safe => {
                    next.threads[t].1 -= 1;
                    if world.stopped && self.waits {
                        next.threads[t].0 = At::Entering(false);
                    } else {
                        self.enter(&mut next, t, false);
                    }
                }
                At::Entering(_) if world.stopped => next.blocked |= 1 << t,
                At::Entering(to_stop) => self.enter(&mut next, t, to_stop),
                At::Running => {
                    let mut safe = next;
                    safe.threads[t].0 = At::Safe;
                    self.leave(&mut safe);
                    add(safe);
                    if left == 0 {
                        continue;
                    }
                    // A safepoint, or the wish to stop the world.
                    next.threads[t].1 -= 1;
                    let mut passing = next;
                    if world.stopped {
                        passing.threads[t].0 = At::Passing(false);
                    }
                    add(passing);
                    next.threads[t].0 = if world.stopped && self.passes { At::Passing(true) } else { At::Stopping };
                }
                At::Passing(to_stop) => {
                    self.leave(&mut next);
                    next.threads[t].0 = At::Entering(to_stop);
                }
                At::Stopping if world.stopped => {
                    if !self.passes {
                        next.blocked |= 1 << t;
                    }
                    next.threads[t].0 = if self.passes { At::Passing(true) } else { At::Stopping };
                }
                At::Stopping => {
                    next.stopped = true;
                    next.running -= 1;
                    next.threads[t].0 = if next.running == 0 { At::Alone } else { At::Quieting };
                }
                At::Quieting if world.running != 0 => next.blocked |= 1 << t,
                At::Quieting => next.threads[t].0 = At::Alone,
                At::Alone => {
                    next.stopped = false;
                    next.running += 1;
                    next.threads[t].0 = At::Running;
                    next.notify(|at| matches!(at, At::Entering(_) | At::Stopping));
                }
            }
            add(next);
        }
    }

    fn wrong(&self, world: &World, last: bool) -> Option<String> {
        let count = |is_there: fn(At) -> bool| world.threads.iter().filter(|thread| is_there(thread.0)).count();
        let users = count(|at| matches!(at, At::Running | At::Passing(_) | At::Stopping));
        if count(|at| at == At::Alone) + usize::from(users != 0) > 1 {
            return Some("the world stands still, and somebody uses the heap".to_owned());
        }
        let ended = world.threads.iter().all(|&thread| thread == (At::Safe, 0));
        (last && !ended).then(|| "deadlock".to_owned())
    }
}

/// What the collector's thread does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Collector {
    NotThere,
    /// Looks at the bell under its lock.
    Looks,
    /// Has seen that nothing is asked for, and has given up the lock without waiting: a broken one.
    Hesitates,
    Waits,
    /// Was asked, and takes the turn.
    Turns,
    Collects,
    Rests,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Allocator {
    Allocates,
    /// Has asked for a collection as the first: is there a thread?
    Ensures,
    Rings,
    /// Is too far ahead, and takes the turn to collect.
    Turns,
    Collects,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Heap {
    collector: Collector,
    allocators: [(Allocator, u8); 2],
    /// Allocations of both since the last collection began.
    ahead: u8,
    /// A collection was asked for and has not begun.
    asked: bool,
    started: bool,
    rung: bool,
    ended: bool,
    /// Somebody collects.
    turn: bool,
}

/// How many allocations make a collection due, and how many are too many.
const DUE: u8 = 1;
const LAG: u8 = 3;

/// Which rules of the bell are kept.
struct Ringing {
    /// The collector looks and begins to wait under one lock.
    one_lock: bool,
    /// Who is too far ahead collects by itself, and waits for nobody.
    collects_itself: bool,
    /// The end rings.
    end_rings: bool,
}

const RINGING: Ringing = Ringing { one_lock: true, collects_itself: true, end_rings: true };

impl Heap {
    fn new() -> Self {
        Self {
            collector: Collector::NotThere,
            allocators: [(Allocator::Allocates, 8); 2],
            ahead: 0,
            asked: false,
            started: false,
            rung: false,
            ended: false,
            turn: false,
        }
    }

    fn notify(&mut self) {
        if self.collector == Collector::Waits {
            self.collector = Collector::Looks;
        }
    }

    fn begin(&mut self) {
        (self.turn, self.asked, self.ahead) = (true, false, 0);
    }
}

impl Ringing {
    fn allocate(&self, heap: &Heap, a: usize, add: &mut impl FnMut(Heap)) {
        let mut next = *heap;
        let (at, left) = heap.allocators[a];
        let to = &mut next.allocators[a].0;
        match at {
            Allocator::Ended => return,
            Allocator::Allocates if left == 0 => {
                *to = Allocator::Ended;
                if next.allocators.iter().all(|allocator| allocator.0 == Allocator::Ended) {
                    // The last handle of the heap.
                    next.ended = true;
                    if self.end_rings {
                        next.notify();
                    }
                }
            }
            Allocator::Allocates => {
                next.allocators[a].1 -= 1;
                next.ahead += 1;
                if next.ahead > DUE {
                    if !heap.asked {
                        next.asked = true;
                        next.allocators[a].0 = Allocator::Ensures;
                    } else if next.ahead > LAG {
                        next.allocators[a].0 = Allocator::Turns;
                    }
                }
            }
            Allocator::Ensures => {
                *to = Allocator::Rings;
                if !heap.started {
                    // The system may have no thread to give.
                    add(next);
                    next.started = true;
                    next.collector = Collector::Looks;
                }
            }
            Allocator::Rings => {
                *to = Allocator::Allocates;
                next.rung = true;
                next.notify();
            }
            Allocator::Turns if !self.collects_itself => {
                // Waits until the collector has begun.
                if heap.asked {
                    return;
                }
                *to = Allocator::Allocates;
            }
            // The turn comes.
            Allocator::Turns if heap.turn => return,
            Allocator::Turns => {
                *to = Allocator::Collects;
                next.begin();
            }
            Allocator::Collects => {
                *to = Allocator::Allocates;
                next.turn = false;
            }
        }
        add(next);
    }
}

impl Machine for Ringing {
    type State = Heap;
    type Key = Heap;

    fn key(&self, state: &Heap) -> Heap {
        *state
    }

    fn successors(&self, heap: &Heap, add: &mut impl FnMut(Heap)) {
        self.allocate(heap, 0, add);
        self.allocate(heap, 1, add);
        let mut next = *heap;
        next.collector = match heap.collector {
            Collector::NotThere | Collector::Waits | Collector::Ended => return,
            Collector::Looks if heap.ended => Collector::Ended,
            Collector::Looks if heap.rung => {
                next.rung = false;
                Collector::Turns
            }
            Collector::Looks if !self.one_lock => Collector::Hesitates,
            Collector::Looks | Collector::Hesitates => Collector::Waits,
            // It has no handle of the heap any more.
            Collector::Turns if heap.ended => Collector::Ended,
            Collector::Turns if heap.turn => return,
            Collector::Turns => {
                next.begin();
                Collector::Collects
            }
            Collector::Collects => {
                next.turn = false;
                Collector::Rests
            }
            Collector::Rests if heap.ended => Collector::Ended,
            Collector::Rests => Collector::Looks,
        };
        add(next);
    }

    fn wrong(&self, heap: &Heap, last: bool) -> Option<String> {
        // Each allocator may be one ahead of what it has seen, and the other in its own collection.
        if heap.ahead > LAG + 2 {
            return Some(format!("{} allocations ahead of the collector", heap.ahead));
        }
        if last && heap.allocators.iter().any(|allocator| allocator.0 != Allocator::Ended) {
            return Some("an allocator waits for ever".to_owned());
        }
        if last && !matches!(heap.collector, Collector::NotThere | Collector::Ended) {
            return Some("the collector's thread outlives its heap for ever".to_owned());
        }
        let idle = heap.allocators.iter().all(|allocator| allocator.0 == Allocator::Allocates);
        if idle && heap.collector == Collector::Waits && heap.rung && !heap.ended {
            return Some("a request is lost".to_owned());
        }
        None
    }
}

#[test]
fn the_world_stands_still_for_one_and_goes_on_for_all() {
    holds(&STANDSTILL, [World::new()]);
}

#[test]
fn broken_standstills_are_caught() {
    caught(&Standstill { notifies: false, ..STANDSTILL }, [World::new()]);
    caught(&Standstill { passes: false, ..STANDSTILL }, [World::new()]);
    caught(&Standstill { waits: false, ..STANDSTILL }, [World::new()]);
}

#[test]
fn no_request_is_lost_and_nobody_waits_for_a_thread_that_is_not_there() {
    holds(&RINGING, [Heap::new()]);
}

#[test]
fn broken_bells_are_caught() {
    caught(&Ringing { one_lock: false, ..RINGING }, [Heap::new()]);
    caught(&Ringing { collects_itself: false, ..RINGING }, [Heap::new()]);
    caught(&Ringing { end_rings: false, ..RINGING }, [Heap::new()]);
}
