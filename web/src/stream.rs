//! A file as a response body: read a piece at a time, on threads that may wait.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

/// Bytes read at a time.
const PIECE_BYTES: usize = 256 << 10;

type Piece = (File, Vec<u8>);

enum State {
    Idle(File),
    Reading(JoinHandle<io::Result<Piece>>),
    Done,
}

/// The rest of a file from where it stands.
pub(crate) struct FileBody {
    state: State,
    left: u64,
    _permit: OwnedSemaphorePermit,
}

impl FileBody {
    /// The next `bytes` of `file`. The permit is given back when they are sent, or the receiver has gone.
    pub(crate) fn new(file: File, bytes: u64, permit: OwnedSemaphorePermit) -> Self {
        Self { state: State::Idle(file), left: bytes, _permit: permit }
    }
}

fn read(mut file: File, most: u64) -> io::Result<Piece> {
    let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(most).unwrap_or(PIECE_BYTES))];
    let bytes = file.read(&mut piece)?;
    if bytes == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the temporary file is shorter than it was"));
    }
    piece.truncate(bytes);
    Ok((file, piece))
}

impl MessageBody for FileBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Idle(_) if self.left == 0 => return Poll::Ready(None),
                State::Idle(file) => {
                    let most = self.left;
                    self.state = State::Reading(tokio::task::spawn_blocking(move || read(file, most)));
                }
                State::Reading(mut reading) => {
                    let Poll::Ready(done) = Pin::new(&mut reading).poll(context) else {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    return Poll::Ready(Some(done.unwrap_or_else(|error| Err(io::Error::other(error))).map(
                        |(file, piece)| {
                            self.left -= piece.len() as u64;
                            self.state = State::Idle(file);
                            Bytes::from(piece)
                        },
                    )));
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }
}
