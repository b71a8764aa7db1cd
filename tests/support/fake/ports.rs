//! The ports of the fake server.
//!
//! Invariant: as in Go, every port is bound with `SO_REUSEADDR` and first tried all together, so that a taken one ends the
//! start before anything else happened; connections are refused until the server is ready.

use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use super::arguments::Options;

/// Ports that are bound, but not listened on yet.
pub(crate) struct Ports(Vec<(&'static str, SocketAddr, TcpSocket)>);

/// Binds every port, gRPC first.
pub(crate) fn bind(options: &Options) -> Result<Ports, String> {
    let mut wanted = vec![
        ("frontend port", options.port),
        ("frontend HTTP port", options.http_port),
        ("metrics port", options.metrics_port),
    ];
    if !options.headless {
        let ui_port = options.ui_port.unwrap_or(options.port.wrapping_add(1000));
        wanted.push(("UI port", ui_port));
    }
    let bound = wanted.into_iter().map(|(role, port)| {
        let address = SocketAddr::new(IpAddr::V4(options.ip), port);
        let socket = TcpSocket::new_v4().and_then(|socket| {
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok(socket)
        });
        let socket = socket.map_err(|error| taken(role, address, &error))?;
        Ok((role, address, socket))
    });
    bound.collect::<Result<_, _>>().map(Ports)
}

impl Ports {
    /// Listens on all of them.
    pub(crate) fn listen(self) -> Result<Vec<TcpListener>, String> {
        let listen = |(role, address, socket): (_, _, TcpSocket)| {
            socket
                .listen(128)
                .map_err(|error| taken(role, address, &error))
        };
        self.0.into_iter().map(listen).collect()
    }
}

/// Says it in the words of the real one.
fn taken(role: &str, address: SocketAddr, error: &std::io::Error) -> String {
    let port = address.port();
    let cause = match error.kind() {
        std::io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        _ => error.to_string(),
    };
    format!("can't set {role} {port}: listen tcp {address}: bind: {cause}")
}
