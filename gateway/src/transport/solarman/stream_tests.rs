#![allow(clippy::unwrap_used)]

use super::frame::{Control, Frame, FrameError};
use super::stream::Solarman;
use std::future::{self, Ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_modbus::prelude::*;
use tokio_modbus::server::{Service, rtu_over_tcp::Server};

const LOGGER: u32 = 2_712_345_678;
const DEADLINE: Duration = Duration::from_secs(60);

/// Answers each register with its own address, and exception 2 from 100 on.
struct Addresses;

impl Service for Addresses {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        future::ready(match request.request {
            Request::ReadHoldingRegisters(at, count) if at + count <= 100 => {
                Ok(Response::ReadHoldingRegisters((at..at + count).collect()))
            }
            _ => Err(ExceptionCode::IllegalDataAddress),
        })
    }
}

#[tokio::test]
async fn a_modbus_client_reads_through_a_logger() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        Server::new(listener)
            .serve(
                &|stream: TcpStream, _| {
                    future::ready(Ok(Some((Addresses, Solarman::logger(stream, LOGGER)))))
                },
                |_| {},
            )
            .await
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let mut modbus = rtu::attach_slave(Solarman::client(stream, LOGGER), Slave(3));
    for at in [0, 7, 90] {
        let words = timeout(DEADLINE, modbus.read_holding_registers(at, 10)).await;
        assert_eq!(
            words.unwrap().unwrap().unwrap(),
            (at..at + 10).collect::<Vec<_>>()
        );
    }
    let refused = timeout(DEADLINE, modbus.read_holding_registers(100, 1)).await;
    assert_eq!(
        refused.unwrap().unwrap(),
        Err(ExceptionCode::IllegalDataAddress)
    );
}

/// The next frame that `wire` carries.
async fn frame(wire: &mut DuplexStream) -> Frame {
    let mut bytes = Vec::new();
    loop {
        bytes.push(timeout(DEADLINE, wire.read_u8()).await.unwrap().unwrap());
        if let Some((frame, _)) = Frame::decode(&bytes).unwrap() {
            return frame;
        }
    }
}

async fn write(wire: &mut DuplexStream, frame: &Frame) {
    wire.write_all(&frame.encode().unwrap()).await.unwrap();
}

fn client() -> (client::Context, DuplexStream) {
    let (near, far) = duplex(4096);
    (
        rtu::attach_slave(Solarman::client(near, LOGGER), Slave(1)),
        far,
    )
}

/// Unit 1 answers one register with the value 0x002A.
const FORTY_TWO: [u8; 7] = [0x01, 0x03, 0x02, 0x00, 0x2A, 0x39, 0x9B];

#[tokio::test]
async fn heartbeats_and_late_answers_before_the_answer_are_passed_over() {
    let (mut modbus, mut wire) = client();
    let logger = tokio::spawn(async move {
        let request = frame(&mut wire).await;
        let heartbeat = Frame {
            control: Control::HEARTBEAT,
            sequence: 0x0100,
            logger: LOGGER,
            payload: vec![0],
        };
        write(&mut wire, &heartbeat).await;
        let mut late = request.answer(1, &[1, 3, 2, 0, 7, 0xF9, 0x86]).unwrap();
        late.sequence = late.sequence.wrapping_sub(1);
        write(&mut wire, &late).await;
        write(&mut wire, &request.answer(2, &FORTY_TWO).unwrap()).await;
        // Answered when the client has something to read or to send again.
        frame(&mut wire).await
    });
    let words = timeout(DEADLINE, modbus.read_holding_registers(0, 1)).await;
    assert_eq!(words.unwrap().unwrap().unwrap(), [42]);
    let (_, answer) = tokio::join!(
        timeout(
            Duration::from_millis(1),
            modbus.read_holding_registers(0, 1)
        ),
        logger
    );
    assert_eq!(answer.unwrap().control, Control(0x1710));
}

#[tokio::test]
async fn an_exception_code_of_the_logger_is_a_modbus_exception() {
    let (mut modbus, mut wire) = client();
    tokio::spawn(async move {
        let request = frame(&mut wire).await;
        write(&mut wire, &request.answer(1, &[0x0B, 0]).unwrap()).await;
        future::pending::<()>().await;
        drop(wire);
    });
    let answer = timeout(DEADLINE, modbus.read_holding_registers(0, 1)).await;
    assert_eq!(
        answer.unwrap().unwrap(),
        Err(ExceptionCode::GatewayTargetDevice)
    );
}

#[tokio::test]
async fn an_answer_of_another_logger_ends_the_connection() {
    let (near, mut wire) = duplex(4096);
    let mut stream = Solarman::client(near, LOGGER);
    stream.write_all(&FORTY_TWO).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = frame(&mut wire).await.answer(1, &FORTY_TWO).unwrap();
    answer.logger = 1;
    write(&mut wire, &answer).await;
    let error = timeout(DEADLINE, stream.read_u8()).await.unwrap();
    let error = error.unwrap_err().into_inner().unwrap();
    assert_eq!(
        error.downcast_ref(),
        Some(&FrameError::Logger {
            given: 1,
            expected: LOGGER
        })
    );
}

#[tokio::test]
async fn a_connection_that_ends_within_a_frame_is_an_error_and_not_an_end() {
    let (near, mut wire) = duplex(4096);
    let mut stream = Solarman::client(near, LOGGER);
    wire.write_all(&[0xA5, 0x10]).await.unwrap();
    drop(wire);
    let error = timeout(DEADLINE, stream.read_u8())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}
