//! Ingest goes first.

/// How much a thread of the views gives way: beside busy threads of the log it gets about a tenth of their time, and all the time that they leave.
const NICE: i32 = 10;

/// Lets this thread, and nothing else, give way to others.
pub(super) fn give_way() {
    // Linux takes a thread's id here, and changes that thread only.
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "the views fold at the priority of all others");
    }
}
