//! One gRPC call over HTTP/2, and the connection that is kept between calls.
//!
//! Invariant: memory is bounded (an answer has at most 4 MiB), and a call that the server did not take because it closed
//! the connection politely is sent again once: servers do that to every connection after some minutes, and it must not
//! look like a fault. A call that was sent and then lost is an error, never repeated.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use prost::Message;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::frame;
use super::status::RpcError;

/// The longest answer we take.
const LONGEST_ANSWER: usize = 4 << 20;
/// The longest header or trailer block we take.
const LONGEST_HEADERS: u32 = 64 << 10;
const GRPC: &str = "application/grpc";

/// A connection to one server, opened again by itself when the server closed it between calls.
///
/// It lives on the tokio runtime it was opened on; dropping it closes it at once.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    /// Held only to look or replace, never while waiting.
    link: Mutex<Link>,
}

/// One HTTP/2 connection; each call on it holds one of these, so that none is cut off when it is replaced.
#[derive(Debug, Clone)]
struct Link {
    requests: SendRequest<Bytes>,
    /// Tells this connection from the one that replaced it.
    number: u64,
    _driver: Arc<Driver>,
}

/// The task that moves the bytes of a connection; it ends with this guard, else it would keep the socket open.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a call got no answer.
enum Failure {
    /// The server never took it: it may be sent again.
    NotTaken(RpcError),
    /// Anything else.
    Final(RpcError),
}

impl Connection {
    /// Connects; whether the server answers is only told by the first call.
    pub async fn open(address: SocketAddr) -> Result<Self, RpcError> {
        let link = Mutex::new(Link::open(address, 0).await?);
        Ok(Self { address, link })
    }

    /// Calls a method that takes one message and gives one.
    ///
    /// Dropping the future resets the stream, so the server stops working on it too.
    pub async fn unary<Req, Res>(&self, path: &str, request: &Req) -> Result<Res, RpcError>
    where
        Req: Message,
        Res: Message + Default,
    {
        let body = frame::pack(request);
        let link = self.current();
        let answer = match link.call(self.address, path, body.clone()).await {
            Err(Failure::NotTaken(_)) => {
                let link = self.replace(link.number).await?;
                link.call(self.address, path, body).await
            }
            answer => answer,
        };
        match answer {
            Ok(answer) => frame::unpack(&answer),
            Err(Failure::NotTaken(error) | Failure::Final(error)) => Err(error),
        }
    }

    fn current(&self) -> Link {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.clone()
    }

    /// Opens the connection anew, unless another call did so since `number` was seen.
    async fn replace(&self, number: u64) -> Result<Link, RpcError> {
        let new = Link::open(self.address, number + 1).await?;
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if link.number == number {
            *link = new;
        }
        Ok(link.clone())
    }
}

impl Link {
    async fn open(address: SocketAddr, number: u64) -> Result<Self, RpcError> {
        let failed = |cause: &dyn std::fmt::Display| RpcError::transport("cannot connect", cause);
        let stream = TcpStream::connect(address).await.map_err(|e| failed(&e))?;
        stream.set_nodelay(true).map_err(|e| failed(&e))?;
        let (requests, connection) = Builder::new()
            .enable_push(false)
            .max_header_list_size(LONGEST_HEADERS)
            .handshake::<_, Bytes>(stream)
            .await
            .map_err(|e| failed(&e))?;
        // How the connection ended is told to the calls on it; the task has nothing to add.
        let driver = Driver(tokio::spawn(async move { drop(connection.await) }));
        Ok(Self {
            requests,
            number,
            _driver: Arc::new(driver),
        })
    }

    /// Sends one request and reads its whole answer.
    async fn call(
        &self,
        address: SocketAddr,
        path: &str,
        body: Bytes,
    ) -> Result<BytesMut, Failure> {
        let request = Request::post(format!("http://{address}{path}"))
            .header(CONTENT_TYPE, GRPC)
            .header("te", "trailers")
            .body(())
            .map_err(|cause| Failure::Final(RpcError::transport("not a method", cause)))?;
        let not_taken =
            |cause| Failure::NotTaken(RpcError::transport("the connection ended", cause));
        let mut requests = self.requests.clone().ready().await.map_err(not_taken)?;
        let (answer, mut sending) = requests.send_request(request, false).map_err(not_taken)?;
        sending.send_data(body, true).map_err(lost)?;
        let answer = answer.await.map_err(lost)?;
        check(&answer).map_err(Failure::Final)?;
        let (head, mut body) = answer.into_parts();
        // A server that refuses at once puts the status into the headers and sends nothing else.
        if let Some(Err(error)) = frame::outcome(&head.headers) {
            return Err(Failure::Final(error));
        }
        let message = read(&mut body).await?;
        let trailers = body.trailers().await.map_err(lost)?;
        let outcome = trailers.as_ref().or(Some(&head.headers));
        match outcome.and_then(frame::outcome) {
            Some(Ok(())) => Ok(message),
            Some(Err(error)) => Err(Failure::Final(error)),
            None => Err(garbled("it has no grpc-status")),
        }
    }
}

/// Refuses what is no gRPC answer, e.g. that of a web server on the same port.
fn check(answer: &Response<RecvStream>) -> Result<(), RpcError> {
    let refuse = |cause: String| Err(RpcError::transport("this is no gRPC server", cause));
    if answer.status() != StatusCode::OK {
        return refuse(format!("HTTP status {}", answer.status()));
    }
    let kind = answer.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(GRPC.as_bytes())) {
        Ok(())
    } else {
        refuse(format!("content type {kind:?}"))
    }
}

/// Reads a body up to the limit, giving the server room for more as it is read.
async fn read(body: &mut RecvStream) -> Result<BytesMut, Failure> {
    let mut message = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(lost)?;
        if message.len() + chunk.len() > LONGEST_ANSWER {
            return Err(garbled("it is longer than 4 MiB"));
        }
        message.extend_from_slice(&chunk);
        body.flow_control()
            .release_capacity(chunk.len())
            .map_err(lost)?;
    }
    Ok(message)
}

fn garbled(cause: &str) -> Failure {
    Failure::Final(RpcError::transport("the answer makes no sense", cause))
}

/// Sorts an error of a call that was sent: a polite goodbye and a refused stream promise that it was not taken.
fn lost(cause: h2::Error) -> Failure {
    let polite = cause.is_go_away() && cause.reason() == Some(Reason::NO_ERROR);
    let refused = cause.is_reset() && cause.reason() == Some(Reason::REFUSED_STREAM);
    let not_taken = cause.is_remote() && (polite || refused);
    let error = RpcError::transport("the connection broke", cause);
    if not_taken {
        Failure::NotTaken(error)
    } else {
        Failure::Final(error)
    }
}
