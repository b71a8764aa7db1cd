//! How the fake server speaks: gRPC over HTTP/2 on one port, a few bytes of HTTP/1.1 on the others.
//!
//! Invariant: every request is answered, or hangs because that was asked for; a client that breaks off disturbs nobody.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::service::{Answer, Service};

/// Answers gRPC for ever; returns why that ended.
pub(crate) async fn serve_grpc(listener: TcpListener, service: Arc<Service>) -> io::Error {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve_client(stream, Arc::clone(&service)))),
            Err(error) => return error,
        }
    }
}

/// Answers any request over HTTP/1.1 with an empty page.
pub(crate) async fn serve_http(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let page = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        drop(stream.write_all(page).await);
    }
}

async fn serve_client(stream: TcpStream, service: Arc<Service>) -> Result<(), h2::Error> {
    stream.set_nodelay(true).map_err(broken)?;
    let mut client = h2::server::handshake(stream).await?;
    while let Some(request) = client.accept().await {
        let (request, respond) = request?;
        tokio::spawn(serve_request(request, respond, Arc::clone(&service)));
    }
    Ok(())
}

async fn serve_request(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    service: Arc<Service>,
) -> Result<(), h2::Error> {
    let path = request.uri().path().to_owned();
    let message = read(request.into_body()).await?;
    if service.hangs() {
        return std::future::pending().await;
    }
    // Five bytes stand before each message: "not compressed", and its length.
    let answer = service.answer(&path, message.get(5..).unwrap_or_default());
    let head = Response::builder().header("content-type", "application/grpc");
    match answer {
        Answer::Message(message) => {
            let head = head.body(()).map_err(broken)?;
            let mut body = respond.send_response(head, false)?;
            let length = u32::try_from(message.len()).map_err(broken)?;
            let framed = [&[0], &length.to_be_bytes()[..], &message].concat();
            body.send_data(framed.into(), false)?;
            let trailers = HeaderMap::from_iter([("grpc-status", "0")].map(header));
            body.send_trailers(trailers)
        }
        // As in Go, a refusal has no body: the status stands in the headers.
        Answer::Refusal(status, text) => {
            let head = head
                .header("grpc-status", status)
                .header("grpc-message", percent_encode(&text))
                .body(())
                .map_err(broken)?;
            respond.send_response(head, true).map(drop)
        }
    }
}

async fn read(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut message = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        message.extend_from_slice(&chunk);
        body.flow_control().release_capacity(chunk.len())?;
    }
    Ok(message)
}

fn header((name, value): (&'static str, &'static str)) -> (http::HeaderName, HeaderValue) {
    (
        http::HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.extend(format!("%{byte:02X}").chars()),
        }
    }
    encoded
}

fn broken<E>(_: E) -> h2::Error {
    h2::Reason::INTERNAL_ERROR.into()
}
