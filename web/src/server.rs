//! Running the API on threads of its own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use crate::clock::Duration;
use crate::routes::configure;
use crate::state::AppState;

/// How long a request's head may take: whoever sends a byte a second holds no connection.
const HEAD_SECONDS: u64 = 10;
/// How long an idle connection is kept.
const KEEP_ALIVE_SECONDS: u64 = 75;
/// How long a stop waits for requests that are being answered; the daemon has 5 s for all of it.
const STOP_SECONDS: u64 = 3;
/// Connections a worker holds at one time.
const MAX_CONNECTIONS: usize = 4_096;

/// A running server. Dropping it does not stop it; [`Running::stop`] does.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    thread: JoinHandle<io::Result<()>>,
}

/// Serves `state` on `listener` with that many worker threads.
///
/// # Errors
/// The listener can't be used, or the server's thread can't be started.
pub fn start(listener: TcpListener, state: AppState, workers: usize) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let state = Data::new(state);
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let run = move || {
        let system = actix_web::rt::System::new();
        system.block_on(async move {
            let server = HttpServer::new(move || App::new().configure(configure(state.clone())))
                .workers(workers.max(1))
                .max_connections(MAX_CONNECTIONS)
                .client_request_timeout(Duration::from_secs(HEAD_SECONDS))
                .keep_alive(Duration::from_secs(KEEP_ALIVE_SECONDS))
                .shutdown_timeout(STOP_SECONDS)
                .disable_signals()
                .listen(listener);
            match server {
                Ok(server) => {
                    let server = server.run();
                    // Whoever starts a server waits for this; if it has gone, the server ends with the process.
                    let _ = sender.send(Ok(server.handle()));
                    server.await
                }
                Err(error) => {
                    let _ = sender.send(Err(error));
                    Ok(())
                }
            }
        })
    };
    let thread = std::thread::Builder::new().name("mt-web".to_owned()).spawn(run)?;
    let handle = receiver.recv().map_err(|_| io::Error::other("the server's thread ended before it started"))??;
    Ok(Running { address, handle, thread })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, answers those it has, and ends: within 3 s, whatever they do.
    ///
    /// # Errors
    /// The server ended with an error.
    pub fn stop(self) -> io::Result<()> {
        // The command is queued when the call is made; what it returns only tells when it is done, and joining tells that too.
        drop(self.handle.stop(true));
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the server's thread panicked")))
    }
}
