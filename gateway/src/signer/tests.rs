#![allow(clippy::unwrap_used)]
use super::*;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use schemas::gateway::{Algorithm, jws};
use std::os::unix::fs::PermissionsExt;

/// Whether a statement was signed by this key, as whoever gets it would see.
pub(super) fn verified(key: &PublicKey, compact: &str) -> bool {
    let parsed = jws::parse::<EnrolmentProof>(compact, 4_096).unwrap();
    assert_eq!(parsed.header.kid, key.key_id());
    let bytes = key.to_bytes().unwrap();
    let public = match key.algorithm() {
        Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes),
        Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, bytes),
    };
    let public = public.unwrap();
    public
        .verify_sig(parsed.signing_input, &parsed.signature)
        .is_ok()
}

pub(super) fn proof(signer: &dyn Signer) -> String {
    let proof = EnrolmentProof::new("7KQ4M-9XTBD");
    signer
        .sign(Statement::enrolment(signer.public_key(), &proof))
        .unwrap()
}

#[test]
fn a_key_signs_with_either_algorithm_and_is_the_same_when_it_is_opened_again() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let made = FileKey::open_or_create(&path, algorithm).unwrap();
        assert_eq!(made.public_key().algorithm(), algorithm);
        assert!(verified(made.public_key(), &proof(&made)));
        let again = FileKey::open_or_create(&path, algorithm).unwrap();
        assert_eq!(again.public_key(), made.public_key());
        assert!(verified(made.public_key(), &proof(&again)));
    }
}

#[test]
fn only_the_owner_may_read_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    FileKey::create(&path, Algorithm::Es256).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = FileKey::open(&path).err().unwrap();
    assert!(matches!(refused, SignerError::Exposed { mode: 0o640, .. }));
}

#[test]
fn a_key_that_is_there_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    FileKey::create(&path, Algorithm::Es256).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(FileKey::create(&path, Algorithm::Es256).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_without_a_key_is_refused_without_telling_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    std::fs::write(
        &path,
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let error = FileKey::open(&path).err().unwrap();
    assert!(matches!(error, SignerError::NoKey { .. }));
    assert!(!error.to_string().contains("c2VjcmV0"));
}

#[test]
fn what_is_signed_can_not_be_passed_off_for_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let key = FileKey::create(&dir.path().join(FILE_NAME), Algorithm::EdDsa).unwrap();
    let compact = proof(&key);
    let as_readings = jws::parse::<MeterReadings>(&compact, 4_096);
    assert!(matches!(as_readings, Err(jws::NotSigned::Typ { .. })));
}

#[cfg(feature = "pkcs11")]
mod token {
    use super::*;
    use crate::config::Pkcs11;
    use std::process::Command;

    /// Where Debian and Fedora put the module.
    const MODULES: [&str; 3] = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
    ];
    const FOLDER: &str = "GATEWAY_TEST_TOKEN";

    /// SoftHSM finds its tokens by a variable that has to be there before the process is.
    #[test]
    fn a_key_on_a_token_signs_and_is_changed_for_one_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = dir.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let config = dir.path().join("softhsm2.conf");
        std::fs::write(
            &config,
            format!("directories.tokendir = {}\n", tokens.display()),
        )
        .unwrap();
        std::fs::write(dir.path().join("pin"), "1234\n").unwrap();
        let made = Command::new("softhsm2-util")
            .args([
                "--init-token",
                "--free",
                "--label",
                "gateway",
                "--so-pin",
                "5678",
                "--pin",
                "1234",
            ])
            .env("SOFTHSM2_CONF", &config)
            .output()
            .expect("softhsm2-util is installed");
        assert!(made.status.success(), "{made:?}");
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "signer::tests::token::in_a_process_of_its_own",
                "--include-ignored",
                "--nocapture",
            ])
            .env("SOFTHSM2_CONF", &config)
            .env(FOLDER, dir.path())
            .output()
            .unwrap();
        assert!(
            child.status.success(),
            "{}",
            String::from_utf8_lossy(&child.stderr)
        );
    }

    #[test]
    #[ignore = "is run by the test above"]
    fn in_a_process_of_its_own() {
        let Some(dir) = std::env::var_os(FOLDER) else {
            return;
        };
        let dir = Path::new(&dir);
        let module = MODULES.iter().find(|path| Path::new(path).exists());
        let mut settings = Pkcs11 {
            module: module.expect("softhsm2 is installed").into(),
            token: "gateway".into(),
            key: "meter".into(),
            pin_file: "pin".into(),
        };
        let first = Pkcs11Key::next(dir, &settings, None).unwrap();
        assert!(verified(first.public_key(), &proof(&first)));
        // Enrolling was broken off: the same key again.
        let again = Pkcs11Key::next(dir, &settings, None).unwrap();
        assert_eq!(again.public_key(), first.public_key());
        let id = first.key_id();
        // A change of keys: another key, and the same one if it was broken off.
        let second = Pkcs11Key::next(dir, &settings, Some(id)).unwrap();
        assert_ne!(second.key_id(), id);
        let again = Pkcs11Key::next(dir, &settings, Some(id)).unwrap();
        assert_eq!(again.key_id(), second.key_id());
        let third = Pkcs11Key::next(dir, &settings, Some(second.key_id())).unwrap();
        for key in [&first, &second, &third] {
            let opened = Pkcs11Key::open(dir, &settings, key.key_id()).unwrap();
            assert_eq!(opened.public_key(), key.public_key());
            assert!(verified(key.public_key(), &proof(&opened)));
        }
        let unknown = PublicKey::p256(&[1; 32], &[2; 32]).key_id();
        let error = Pkcs11Key::open(dir, &settings, unknown).err().unwrap();
        assert!(error.to_string().contains("holds no key"), "{error}");
        let eddsa = next_on_token(dir, &settings, None, Algorithm::EdDsa);
        assert!(matches!(eddsa.err(), Some(SignerError::Token { .. })));
        settings.token = "another".into();
        let error = Pkcs11Key::open(dir, &settings, id).err().unwrap();
        let error = error.to_string();
        assert!(error.contains("`another`: is in no slot"), "{error}");
    }
}
