//! Data loggers, asked who they are. The vendor publishes nothing: question and answer are those of open clients
//! (pysolarmanv5).

use super::subnet::Subnet;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// UDP port on which loggers are asked.
pub const PORT: u16 = 48_899;
/// What they are asked.
pub const QUESTION: &[u8] = b"WIFIKIT-214028-READ";
/// Longest answer.
const MAX_ANSWER_BYTES: usize = 128;
/// How long answers are waited for, each time that it is asked. A datagram may be lost.
const PATIENCE: Duration = Duration::from_secs(1);
const TIMES: usize = 2;

/// The loggers of a subnet by address, with their serial numbers. Who does not answer is not there.
pub(super) async fn ask(subnet: Subnet) -> BTreeMap<IpAddr, u32> {
    let mut loggers = BTreeMap::new();
    if let Err(error) = listen(subnet, &mut loggers).await {
        tracing::debug!(%error, "data loggers could not be asked");
    }
    loggers
}

async fn listen(subnet: Subnet, loggers: &mut BTreeMap<IpAddr, u32>) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.set_broadcast(true)?;
    let mut bytes = [0; MAX_ANSWER_BYTES];
    for _ in 0..TIMES {
        socket.send_to(QUESTION, (subnet.last(), PORT)).await?;
        let end = Instant::now() + PATIENCE;
        while let Ok(answer) = timeout_at(end, socket.recv_from(&mut bytes)).await {
            let (length, from) = answer?;
            // Whom the answer names may be its address in another network: from where it came it can be reached.
            if let (SocketAddr::V4(from), Some(serial)) = (from, serial(&bytes[..length]))
                && subnet.holds(*from.ip())
            {
                loggers.insert(IpAddr::V4(*from.ip()), serial);
            }
        }
    }
    Ok(())
}

/// The serial number in an answer: `192.168.1.40,E8FDF8A1B2C3,2712345678` is address, hardware address, serial
/// number.
pub fn serial(answer: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(answer)
        .ok()?
        .trim_end_matches(['\0', '\r', '\n']);
    let mut parts = text.split(',');
    let (Some(address), Some(hardware), Some(serial), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let _: Ipv4Addr = address.parse().ok()?;
    let is_hardware = hardware.len() == 12 && hardware.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = serial.bytes().all(|byte| byte.is_ascii_digit());
    if is_hardware && is_number {
        serial.parse().ok().filter(|serial| *serial != 0)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logger_s_answer_holds_its_serial_number() {
        let read = |text: &str| serial(text.as_bytes());
        assert_eq!(
            read("192.168.1.40,E8FDF8A1B2C3,2712345678"),
            Some(2_712_345_678)
        );
        assert_eq!(read("10.10.100.254,e8fdf8a1b2c3,1\r\n"), Some(1));
        for no_answer in [
            "",
            "WIFIKIT-214028-READ",
            "192.168.1.40,E8FDF8A1B2C3",
            "192.168.1.40,E8FDF8A1B2C3,",
            "192.168.1.40,E8FDF8A1B2C3,0",
            "192.168.1.40,E8FDF8A1B2C3,+7",
            "192.168.1.40,E8FDF8A1B2C3,4294967296",
            "192.168.1.40,E8FDF8A1B2C3,2712345678,1",
            "logger,E8FDF8A1B2C3,2712345678",
            "192.168.1.40,E8:FD:F8:A1:B2,2712345678",
            "192.168.1.40,E8FDF8A1B2C,2712345678",
        ] {
            assert_eq!(read(no_answer), None, "{no_answer}");
        }
        assert_eq!(serial(b"192.168.1.40,E8FDF8A1B2C3,27\xFF"), None);
    }
}
