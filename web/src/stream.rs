//! A file as a response body: read a piece at a time, on threads that may wait.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

/// Bytes read at a time.
const PIECE_BYTES: usize = 256 << 10;

enum State {
    Idle,
    Reading(JoinHandle<io::Result<Vec<u8>>>),
    Done,
}

/// The first bytes of a file, which others may read at the same time.
pub(crate) struct FileBody {
    file: Arc<File>,
    state: State,
    at: u64,
    left: u64,
    _permit: Option<OwnedSemaphorePermit>,
}

impl FileBody {
    /// The first `bytes` of `file`. The permit, if one is needed, is given back when they are sent, or the receiver has gone.
    pub(crate) fn new(file: Arc<File>, bytes: u64, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { file, state: State::Idle, at: 0, left: bytes, _permit: permit }
    }
}

fn read(file: &File, at: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(most).unwrap_or(PIECE_BYTES))];
    let bytes = file.read_at(&mut piece, at)?;
    if bytes == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the temporary file is shorter than it was"));
    }
    piece.truncate(bytes);
    Ok(piece)
}

impl MessageBody for FileBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Idle if self.left == 0 => return Poll::Ready(None),
                State::Idle => {
                    let (file, at, most) = (Arc::clone(&self.file), self.at, self.left);
                    self.state = State::Reading(tokio::task::spawn_blocking(move || read(&file, at, most)));
                }
                State::Reading(mut reading) => {
                    let Poll::Ready(done) = Pin::new(&mut reading).poll(context) else {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    return Poll::Ready(Some(done.unwrap_or_else(|error| Err(io::Error::other(error))).map(|piece| {
                        self.left -= piece.len() as u64;
                        self.at += piece.len() as u64;
                        self.state = State::Idle;
                        Bytes::from(piece)
                    })));
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }
}
