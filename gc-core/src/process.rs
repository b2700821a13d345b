//! System calls that heaps and their measurement need: forking, the scheduling class of a thread.

use nix::unistd::{ForkResult, fork};

/// Which side of a fork this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forked {
    /// The process that forked.
    Parent {
        /// The child's process id, to wait for.
        child: i32,
    },
    /// The new process.
    Child {
        /// Mutators of other threads, which do not exist here. The objects their roots held stay counted.
        lost_mutators: u32,
    },
}

/// The process could not fork.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// Called from a callback of a collection.
    #[error("a collection is under way; fork outside finalizers and callbacks")]
    Collecting,
    /// The system refused.
    #[error("the system could not fork ({0}); free memory or raise the limit on processes (`ulimit -u`)")]
    System(#[from] std::io::Error),
}

/// Puts the calling thread into the lowest scheduling class, in which it runs only where a core has nothing else to do.
/// False if the system refuses: then nothing has changed.
pub fn schedule_lowest() -> bool {
    let parameters = nix::libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads `parameters`, which lives across it; 0 names the calling thread.
    #[expect(unsafe_code, reason = "the system call")]
    let result = unsafe { nix::libc::sched_setscheduler(0, nix::libc::SCHED_IDLE, &raw const parameters) };
    result == 0
}

/// membarrier(2): `MEMBARRIER_CMD_PRIVATE_EXPEDITED`.
const BARRIER: i32 = 1 << 3;
/// Its registration, which may be repeated.
const REGISTER: i32 = 1 << 4;

fn membarrier(command: i32) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the call takes no pointer.
        #[expect(unsafe_code, reason = "the system call")]
        // Refused, the fence of `order_all_threads` is what is left.
        let _ = unsafe { nix::libc::syscall(nix::libc::SYS_membarrier, command, 0, 0) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Prepares the process for [`order_all_threads`], which would do so itself: but the first time the system waits for all
/// processors if there are several threads, for 6 to 14 ms, and for 20 µs if there is one. So it is best done where nobody
/// waits: when a heap is made.
pub fn prepare_to_order_threads() {
    membarrier(REGISTER);
}

/// A full memory barrier on each thread of this process that runs: what each did before it happens before what the caller
/// does next, and none of them has begun what comes after it with older values. Where the system has no such call, a
/// fence of the calling thread alone.
pub fn order_all_threads() {
    membarrier(REGISTER);
    membarrier(BARRIER);
    // SeqCst: orders the caller's own accesses with the barrier of the others.
    crate::sync::fence(crate::sync::Ordering::SeqCst);
}

/// Forks. `Some(child)` in the parent, `None` in the child.
///
/// The caller holds every lock of the heap that another thread could hold, so that the child finds them all in the
/// hands of its only thread.
pub fn fork_process() -> Result<Option<i32>, ForkError> {
    // SAFETY: forking is memory safe; what is not safe in the child of a multithreaded process is to wait for a thread
    // that is gone. The heap's own locks are held by the caller across the call (see `PlainMutator::fork`), and the
    // allocator's are handled by the C library (its atfork handlers).
    #[expect(unsafe_code, reason = "the system call")]
    let result = unsafe { fork() };
    match result {
        Ok(ForkResult::Parent { child }) => Ok(Some(child.as_raw())),
        Ok(ForkResult::Child) => Ok(None),
        Err(error) => Err(ForkError::System(error.into())),
    }
}
