//! Servers close every connection after some minutes; calls must not notice, while answers that make no sense are errors.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use temporal_devserver::temporal::proto::{Empty, HEALTH_CHECK};
use temporal_devserver::temporal::{Connection, RpcError};
use tokio::net::{TcpListener, TcpStream};

use crate::support::on_runtime;

/// Serves one client: each request is answered with this body, the first one is followed by a polite goodbye.
async fn serve(stream: TcpStream, kind: &'static str, body: Bytes) -> Result<(), h2::Error> {
    let mut client = h2::server::handshake(stream).await?;
    while let Some(request) = client.accept().await {
        let (_, mut respond) = request?;
        client.graceful_shutdown();
        let head = Response::builder().header("content-type", kind);
        let mut answer = respond.send_response(head.body(()).unwrap(), false)?;
        answer.send_data(body.clone(), false)?;
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        answer.send_trailers(trailers)?;
    }
    Ok(())
}

async fn listen(kind: &'static str, body: Bytes) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, kind, body.clone()));
        }
    });
    address
}

async fn call(connection: &Connection) -> Result<Empty, RpcError> {
    connection.unary(HEALTH_CHECK, &Empty {}).await
}

async fn refusal(kind: &'static str, body: Bytes) -> String {
    let connection = Connection::open(listen(kind, body).await).await.unwrap();
    let error = call(&connection).await.unwrap_err();
    assert_eq!(error.status, None);
    error.message
}

#[test]
fn it_is_opened_again() {
    on_runtime(async {
        let address = listen("application/grpc", Bytes::from_static(&[0; 5])).await;
        let connection = Connection::open(address).await.unwrap();
        for _ in 0..20 {
            assert_eq!(call(&connection).await, Ok(Empty {}));
        }
    });
}

#[test]
fn a_server_that_is_gone_is_an_error() {
    on_runtime(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connection = Connection::open(address).await.unwrap();
        drop(listener);
        assert_eq!(call(&connection).await.unwrap_err().status, None);
    });
}

#[test]
fn an_endless_answer_is_an_error() {
    on_runtime(async {
        let body = Bytes::from(vec![0; (4 << 20) + 1]);
        let error = refusal("application/grpc", body).await;
        assert!(error.ends_with("it is longer than 4 MiB"), "{error}");
    });
}

#[test]
fn a_web_page_is_an_error() {
    on_runtime(async {
        let error = refusal("text/html", Bytes::from_static(b"<html>")).await;
        assert!(error.starts_with("this is no gRPC server"), "{error}");
    });
}
