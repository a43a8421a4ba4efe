#![allow(clippy::unwrap_used)]

use super::frame::{
    Answer, Control, Frame, FrameError, MAX_MODBUS_BYTES, MAX_PAYLOAD_BYTES, exception,
};
use proptest::prelude::*;

/// Reads registers 1 and 2 of unit 1.
const MODBUS: &[u8] = &[0x01, 0x03, 0x00, 0x01, 0x00, 0x02, 0x95, 0xCB];

#[test]
fn a_request_has_the_bytes_that_loggers_expect() {
    let frame = Frame::request(1_234_567_890, 0x0041, MODBUS).unwrap();
    let bytes = frame.encode().unwrap();
    let mut expected = vec![
        0xA5, 0x17, 0x00, 0x10, 0x45, 0x41, 0x00, 0xD2, 0x02, 0x96, 0x49,
    ];
    expected.extend([0x02, 0, 0]);
    expected.extend([0; 12]);
    expected.extend(MODBUS);
    let sum = expected[1..]
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    expected.extend([sum, 0x15]);
    assert_eq!(bytes, expected);
}

#[test]
fn an_answer_echoes_the_low_byte_of_the_sequence_and_has_its_modbus_frame_at_byte_25() {
    let request = Frame::request(7, 0x1234, MODBUS).unwrap();
    let answer = request.answer(0x99, MODBUS).unwrap();
    assert_eq!(answer.control, Control::ANSWER);
    assert_eq!(answer.sequence, 0x9934);
    assert_eq!(&answer.encode().unwrap()[25..33], MODBUS);
    assert_eq!(answer.modbus_answer().unwrap(), Answer::Modbus(MODBUS));
}

#[test]
fn an_exception_code_in_place_of_a_modbus_frame_is_told_as_such() {
    let request = Frame::request(7, 1, MODBUS).unwrap();
    for body in [&[5][..], &[5, 0][..], &[5, 0, 0, 0][..]] {
        let answer = request.answer(1, body).unwrap();
        assert_eq!(answer.modbus_answer().unwrap(), Answer::Failed(5));
    }
    let answer = request.answer(1, &[0xEE, 0]).unwrap();
    assert_eq!(answer.modbus_answer(), Err(FrameError::NoModbus(16)));
    assert_eq!(exception(MODBUS, 5), [0x01, 0x83, 5, 0x81, 0x33]);
}

#[test]
fn a_heartbeat_is_answered_with_the_time_and_the_next_sequence() {
    let heartbeat = Frame {
        control: Control::HEARTBEAT,
        sequence: 0x01FF,
        logger: 7,
        payload: vec![0],
    };
    assert!(heartbeat.control.is_unasked());
    let answer = heartbeat.time_answer(0x0102_0304);
    assert_eq!(answer.control, Control(0x1710));
    assert_eq!(answer.sequence, 0x0100);
    assert_eq!(answer.payload, [0, 1, 4, 3, 2, 1, 0, 0, 0, 0]);
}

#[test]
fn what_is_no_frame_is_refused_with_the_reason() {
    let good = Frame::request(7, 1, MODBUS).unwrap().encode().unwrap();
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Frame::decode(&bytes).unwrap_err()
    };
    assert_eq!(with(0, 0), FrameError::Start(0));
    assert_eq!(with(2, 0xFF), FrameError::TooLong(0xFF17));
    assert_eq!(with(good.len() - 1, 0), FrameError::End(0));
    assert!(matches!(with(12, 1), FrameError::Checksum { .. }));
    let of = |control, payload: Vec<u8>| Frame {
        control,
        sequence: 0,
        logger: 7,
        payload,
    };
    let kind = of(Control::REQUEST, vec![1; 30]);
    assert_eq!(kind.modbus_request(), Err(FrameError::Kind(1)));
    let empty = of(Control::ANSWER, Vec::new());
    assert_eq!(empty.modbus_answer(), Err(FrameError::NoModbus(0)));
    let other = of(Control::REQUEST, vec![2; 30]);
    assert_eq!(other.modbus_answer(), Err(FrameError::Control(0x4510)));
}

#[test]
fn a_payload_may_be_as_long_as_the_limit_and_not_one_byte_longer() {
    let mut frame = Frame {
        control: Control(0x4210),
        sequence: 0,
        logger: 7,
        payload: vec![0; MAX_PAYLOAD_BYTES],
    };
    let bytes = frame.encode().unwrap();
    assert_eq!(Frame::decode(&bytes).unwrap().unwrap().0, frame);
    frame.payload.push(0);
    assert_eq!(
        frame.encode(),
        Err(FrameError::TooLong(MAX_PAYLOAD_BYTES + 1))
    );

    assert!(Frame::request(7, 1, &[0; MAX_MODBUS_BYTES]).is_ok());
    assert_eq!(
        Frame::request(7, 1, &[0; MAX_MODBUS_BYTES + 1]),
        Err(FrameError::ModbusTooLong(MAX_MODBUS_BYTES + 1))
    );
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_alike_however_it_is_cut(
        control: u16, sequence: u16, logger: u32,
        payload in prop::collection::vec(any::<u8>(), 0..=64),
        cut in 0_usize..100, tail in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let frame = Frame { control: Control(control), sequence, logger, payload };
        let mut bytes = frame.encode().unwrap();
        let whole = bytes.len();
        prop_assert_eq!(Frame::decode(&bytes[..cut.min(whole - 1)]).unwrap(), None);
        bytes.extend(tail);
        prop_assert_eq!(Frame::decode(&bytes).unwrap(), Some((frame, whole)));
    }

    #[test]
    fn a_flipped_bit_is_never_taken_for_the_frame(
        modbus in prop::collection::vec(any::<u8>(), 5..40), at: prop::sample::Index, bit in 0_u8..8,
    ) {
        let frame = Frame::request(7, 1, &modbus).unwrap();
        let mut bytes = frame.encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_ne!(Frame::decode(&bytes).ok().flatten().map(|(frame, _)| frame), Some(frame));
    }

    #[test]
    fn hostile_bytes_are_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut hostile = vec![0xA5];
        hostile.extend(&bytes);
        for bytes in [&bytes, &hostile] {
            if let Ok(Some((frame, _))) = Frame::decode(bytes) {
                let _ = (frame.modbus_answer(), frame.modbus_request());
            }
        }
    }
}
