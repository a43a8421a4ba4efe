#![allow(clippy::unwrap_used)]
use super::*;

const NOW: Duration = Duration::from_secs(100);
const NONCE: Random = [9; 16];

fn key() -> AppKey {
    AppKey::parse("ABCD-EFGH-JKMN-PQRS").unwrap()
}

fn prove(
    session: &mut Session,
    brake: &mut Brake,
    key: &AppKey,
    challenge: Random,
    now: Duration,
) -> Result<[u8; 32], Refusal> {
    let proof = hex::encode(key.client_proof(&challenge, &NONCE));
    session.prove(&self::key(), brake, &hex::encode(NONCE), &proof, now)
}

#[test]
fn a_key_is_read_as_it_is_printed_and_as_it_is_typed() {
    let key = AppKey::from_random([255; KEY_CHARS]);
    assert_eq!(key.printed(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
    assert_eq!(AppKey::parse("abcd efgh jkmn pqrs\n").unwrap(), self::key());
    for text in [
        "",
        "ABCD-EFGH-JKMN-PQR",
        "ABCD-EFGH-JKMN-PQRST",
        "ABCD-EFGH-JKMN-PQRO",
    ] {
        assert_eq!(AppKey::parse(text), Err(NoKey), "{text}");
    }
    assert!(!format!("{key:?}").contains('Z'));
}

#[test]
fn who_knows_the_key_is_let_in_and_learns_that_the_gateway_knows_it_too() {
    let (mut session, mut brake) = (Session::default(), Brake::default());
    session.challenge([1; 16], NOW);
    let proof = prove(&mut session, &mut brake, &key(), [1; 16], NOW).unwrap();
    assert_eq!(proof, key().gateway_proof(&[1; 16], &NONCE));
    assert_ne!(
        proof,
        key().client_proof(&[1; 16], &NONCE),
        "a proof can not be played back"
    );
    assert!(session.seal.is_some());
}

#[test]
fn a_challenge_is_good_once_and_for_its_time() {
    let (mut session, mut brake) = (Session::default(), Brake::default());
    let code = |result: Result<[u8; 32], Refusal>| result.unwrap_err().code;
    assert_eq!(
        code(prove(&mut session, &mut brake, &key(), [1; 16], NOW)),
        "no_challenge"
    );
    session.challenge([1; 16], NOW);
    assert!(
        prove(
            &mut session,
            &mut brake,
            &key(),
            [1; 16],
            NOW + CHALLENGE_LIFE
        )
        .is_ok()
    );
    assert_eq!(
        code(prove(&mut session, &mut brake, &key(), [1; 16], NOW)),
        "no_challenge"
    );
    session.challenge([2; 16], NOW);
    let late = NOW + CHALLENGE_LIFE + Duration::from_millis(1);
    assert_eq!(
        code(prove(&mut session, &mut brake, &key(), [2; 16], late)),
        "no_challenge"
    );
}

#[test]
fn guessing_takes_longer_each_time() {
    let (mut session, mut brake) = (Session::default(), Brake::default());
    let wrong = AppKey::parse("0000-0000-0000-0000").unwrap();
    let mut guess = |now: Duration, key: &AppKey, brake: &mut Brake| {
        session.challenge([1; 16], now);
        prove(&mut session, brake, key, [1; 16], now)
            .map_err(|refusal| (refusal.code, refusal.retry_after_s))
    };
    let proof_wrong = Err(("proof_wrong".to_owned(), None));
    for _ in 0..FREE_FAILURES {
        assert_eq!(guess(NOW, &wrong, &mut brake), proof_wrong);
    }
    let locked = |seconds| Err(("too_many_attempts".to_owned(), Some(seconds)));
    assert_eq!(guess(NOW, &wrong, &mut brake), locked(5));
    assert_eq!(
        guess(NOW, &key(), &mut brake),
        locked(5),
        "also the right one"
    );
    assert_eq!(guess(NOW + FIRST_PENALTY, &wrong, &mut brake), proof_wrong);
    assert_eq!(guess(NOW + FIRST_PENALTY, &wrong, &mut brake), locked(10));
    for _ in 0..100 {
        brake.failed(NOW);
    }
    assert_eq!(
        guess(NOW, &key(), &mut brake),
        locked(LONGEST_PENALTY.as_secs())
    );
    assert!(guess(NOW + LONGEST_PENALTY, &key(), &mut brake).is_ok());
    assert_eq!(
        guess(NOW, &wrong, &mut brake),
        proof_wrong,
        "a right one pays off the wrong ones"
    );
}

#[test]
fn a_sealed_message_is_opened_once_and_only_as_it_was_sealed() {
    let mut seal = key().seal(&[1; 16], &NONCE);
    let sealed = seal.seal_request(5, b"request").unwrap();
    assert_eq!(
        seal.open_request(6, &sealed),
        Err(Broken),
        "under another id"
    );
    let mut changed = sealed.clone();
    changed[0] ^= 1;
    assert_eq!(seal.open_request(5, &changed), Err(Broken));
    assert_eq!(
        seal.open_answer(5, &sealed),
        Err(Broken),
        "the other direction"
    );
    assert_eq!(seal.open_request(5, &sealed).unwrap(), b"request");
    assert_eq!(seal.open_request(5, &sealed), Err(Broken), "a second time");
    let earlier = seal.seal_request(4, b"request").unwrap();
    assert_eq!(seal.open_request(4, &earlier), Err(Broken), "ids go up");
    let mut other = key().seal(&[2; 16], &NONCE);
    assert_eq!(
        other.open_request(5, &sealed),
        Err(Broken),
        "another session"
    );
    assert_eq!(
        seal.open_answer(5, &seal.seal_answer(5, b"answer").unwrap())
            .unwrap(),
        b"answer"
    );
}
