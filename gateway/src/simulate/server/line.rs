//! What happens between a device and who asks it.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

use super::simulator::Simulator;
use crate::simulate::fault::Line;

/// Bytes taken at once: more than any Modbus frame has (Modbus Application Protocol 1.1b3, 4.1: 260).
pub const BUFFER: usize = 512;

/// Carries bytes between a client and what answers it, until one of them ends, and lets happen to each
/// answer what the script says.
pub async fn carry(mut client: TcpStream, mut inside: DuplexStream, simulator: Simulator) {
    // Whoever is at the other end learns of it by the end of the connection.
    let _ = attempt(&mut client, &mut inside, &simulator).await;
}

async fn attempt(
    client: &mut TcpStream,
    inside: &mut DuplexStream,
    simulator: &Simulator,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let listens_at = Instant::now() + simulator.connect_delay();
    let (mut asked, mut answered) = ([0; BUFFER], [0; BUFFER]);
    loop {
        tokio::select! {
            length = client.read(&mut asked) => {
                let request = &asked[..length?];
                if request.is_empty() {
                    return Ok(());
                }
                // A device that has just been connected to does not hear yet.
                let is_deaf = Instant::now() < listens_at || simulator.has(Line::HalfOpen);
                if !is_deaf {
                    inside.write_all(request).await?;
                }
            }
            length = inside.read(&mut answered) => {
                let answer = &answered[..length?];
                if answer.is_empty() {
                    return Ok(());
                }
                if !send(client, answer, simulator).await? {
                    return Ok(());
                }
            }
        }
    }
}

/// Gives whether the connection is still there.
async fn send(client: &mut TcpStream, answer: &[u8], simulator: &Simulator) -> io::Result<bool> {
    let thinks_until = Instant::now() + simulator.latency();
    let (faults, pause) = simulator.faults_of_an_answer();
    sleep_until(thinks_until).await;
    if faults.contains(&Line::Silent) {
        return Ok(true);
    }
    if faults.contains(&Line::Late) {
        sleep(pause).await;
    }
    if faults.contains(&Line::Disconnect) {
        client.write_all(&answer[..answer.len() / 2]).await?;
        client.set_zero_linger()?;
        return Ok(false);
    }
    if faults.contains(&Line::Dribble) {
        dribble(client, answer, pause).await?;
    } else {
        client.write_all(answer).await?;
    }
    if faults.contains(&Line::Duplicate) {
        client.write_all(answer).await?;
    }
    Ok(true)
}

async fn dribble(client: &mut TcpStream, answer: &[u8], pause: Duration) -> io::Result<()> {
    for byte in answer.chunks(1) {
        client.write_all(byte).await?;
        sleep(pause).await;
    }
    Ok(())
}
