#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn assemble(frames: &[Vec<u8>]) -> Result<Option<Message>, FrameError> {
    let mut assembler = Assembler::default();
    let mut message = None;
    for frame in frames {
        message = assembler.take(&Frame::decode(frame)?)?;
    }
    Ok(message)
}

/// An answer as a client reads it: page after page.
fn read_all(answers: &Answers, id: u16, frame_bytes: usize) -> Vec<u8> {
    let mut answer = Vec::new();
    loop {
        let page = answers.page(id, as_u16(answer.len()), frame_bytes);
        let total = usize::from(u16::from_le_bytes([page[3], page[4]]));
        answer.extend(&page[HEADER_BYTES..]);
        if answer.len() >= total {
            return answer;
        }
    }
}

#[test]
fn a_message_may_be_as_long_as_the_limit_and_no_longer() {
    let message = vec![7; MAX_MESSAGE_BYTES];
    let frames = Frame::cut(Kind::Plain, 1, &message, MAX_FRAME_BYTES);
    assert_eq!(assemble(&frames).unwrap().unwrap().bytes, message);
    let longer = Frame::cut(
        Kind::Plain,
        1,
        &vec![7; MAX_MESSAGE_BYTES + 1],
        MAX_FRAME_BYTES,
    );
    assert_eq!(assemble(&longer), Err(FrameError::Total));
    assert_eq!(
        assemble(&[vec![1, 0, 0, 0, 0, 0, 0]]),
        Err(FrameError::Total)
    );
}

#[test]
fn a_frame_may_be_as_long_as_an_attribute_and_no_longer() {
    let mut bytes = vec![1; MAX_FRAME_BYTES];
    assert!(Frame::decode(&bytes).is_ok());
    bytes.push(1);
    assert_eq!(Frame::decode(&bytes), Err(FrameError::Long));
    assert_eq!(
        Frame::decode(&[1; HEADER_BYTES - 1]),
        Err(FrameError::Short)
    );
    assert_eq!(Frame::decode(&[9; HEADER_BYTES]), Err(FrameError::Kind(9)));
}

#[test]
fn pieces_that_do_not_follow_each_other_are_refused_and_the_message_begins_anew() {
    let frames = Frame::cut(Kind::Plain, 1, b"0123456789", HEADER_BYTES + 4);
    let mut assembler = Assembler::default();
    let mut take = |index: usize| assembler.take(&Frame::decode(&frames[index]).unwrap());
    assert_eq!(take(0), Ok(None));
    assert_eq!(take(2), Err(FrameError::Order));
    assert_eq!(take(1), Err(FrameError::Order), "what had come is dropped");
    assert_eq!(take(0), Ok(None));
    assert_eq!(take(0), Ok(None), "a client that begins again");
    assert_eq!(take(1), Ok(None));
    assert_eq!(take(2).unwrap().unwrap().bytes, b"0123456789");
    let mut beyond = frames[0].clone();
    beyond[3] = 3;
    assert_eq!(assemble(&[beyond]), Err(FrameError::Beyond));
}

#[test]
fn a_message_sent_again_is_not_carried_out_again() {
    let mut answers = Answers::default();
    assert_eq!(answers.begin(1, [1; 32]), Ok(true));
    assert_eq!(answers.page(1, 0, 64)[0], 1, "being worked on");
    assert_eq!(answers.begin(1, [1; 32]), Ok(false));
    assert_eq!(answers.begin(1, [2; 32]), Err(FrameError::Reused));
    answers.finish(1, false, b"answer".to_vec());
    assert_eq!(answers.begin(1, [1; 32]), Ok(false));
    assert_eq!(read_all(&answers, 1, 64), b"answer");
    for id in 2..=5 {
        assert_eq!(answers.begin(id, [3; 32]), Ok(true));
    }
    assert_eq!(
        answers.page(1, 0, 64)[0],
        FrameError::NoAnswer.code(),
        "the oldest is forgotten"
    );
}

proptest! {
    #[test]
    fn a_message_arrives_as_it_was_sent_whatever_the_size_of_frames(
        id: u16, sealed: bool, message in prop::collection::vec(any::<u8>(), 1..2000), frame_bytes in 0_usize..600,
    ) {
        let kind = if sealed { Kind::Sealed } else { Kind::Plain };
        let frames = Frame::cut(kind, id, &message, frame_bytes);
        for frame in &frames {
            prop_assert!(frame.len() <= MAX_FRAME_BYTES);
            prop_assert_eq!(&Frame::decode(frame).unwrap().encode(), frame);
        }
        prop_assert_eq!(assemble(&frames).unwrap(), Some(Message { id, sealed, bytes: message }));
    }

    #[test]
    fn an_answer_is_read_as_it_was_kept_whatever_the_size_of_pages(
        answer in prop::collection::vec(any::<u8>(), 0..3000), frame_bytes in 0_usize..600,
    ) {
        let mut answers = Answers::default();
        answers.begin(9, [0; 32]).unwrap();
        answers.finish(9, true, answer.clone());
        prop_assert_eq!(read_all(&answers, 9, frame_bytes), answer);
    }

    #[test]
    fn hostile_frames_are_never_a_panic_and_never_hold_more_than_a_message(
        frames in prop::collection::vec((0_u8..5, 0_u16..3, 0_u16..40, 0_u16..40, prop::collection::vec(any::<u8>(), 0..40)), 0..60),
    ) {
        let mut assembler = Assembler::default();
        for (kind, id, total, offset, piece) in frames {
            let bytes = header(kind, id, total, offset, &piece);
            if let Ok(frame) = Frame::decode(&bytes)
                && let Ok(Some(message)) = assembler.take(&frame)
            {
                prop_assert_eq!(message.bytes.len(), usize::from(total));
            }
        }
    }
}
