//! The two requests this crate makes of the engine: is it up, and end the query that keeps it up.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::child::KEEP_ALIVE_MARK;
use crate::engine::Credentials;

/// On the loopback an answer takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the engine's HTTP interface answers.
pub(crate) async fn ping(address: SocketAddr) -> bool {
    let request = "GET /ping HTTP/1.0\r\n\r\n".to_owned();
    exchange(address, request).await.is_ok_and(|answer| answer.ends_with("Ok.\n"))
}

/// Ends the query that keeps the engine up; the engine then ends by itself.
pub(crate) async fn end_keep_alive(address: SocketAddr, owner: &Credentials) -> io::Result<()> {
    // The mark is split so that this statement does not find itself.
    let (head, tail) = KEEP_ALIVE_MARK.split_at(KEEP_ALIVE_MARK.len() / 2);
    let statement = format!("KILL QUERY WHERE query LIKE concat('%', '{head}', '{tail}', '%') ASYNC");
    let request = format!(
        "POST / HTTP/1.0\r\nX-ClickHouse-User: {}\r\nX-ClickHouse-Key: {}\r\nContent-Length: {}\r\n\r\n{statement}",
        owner.user,
        owner.password,
        statement.len()
    );
    let answer = exchange(address, request).await?;
    if answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200") {
        Ok(())
    } else {
        Err(io::Error::other(answer.lines().last().unwrap_or_default().to_owned()))
    }
}

async fn exchange(address: SocketAddr, request: String) -> io::Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
