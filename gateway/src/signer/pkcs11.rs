//! A key that never leaves its token: HSM, TPM or secure element behind a PKCS#11 module.

use super::{Signer, SignerError, Statement};
use crate::config::Pkcs11 as Settings;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use schemas::gateway::PublicKey;
use schemas::gateway::jws::SIGNATURE_BYTES;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// DER of the object identifier of P-256, 1.2.840.10045.3.1.7 (RFC 5480, 2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// How an uncompressed point of P-256 begins as a DER octet string (PKCS#11 v3.0, 2.3.3): tag, length, 04.
const POINT: [u8; 3] = [0x04, 0x41, 0x04];

/// A P-256 key on a token.
pub struct Pkcs11Key {
    settings: Settings,
    pin: AuthPin,
    module: Pkcs11,
    /// None after a failure: opened anew for the next signature.
    session: Mutex<Option<(Session, ObjectHandle)>>,
    public: PublicKey,
}

impl Pkcs11Key {
    /// Opens the key with the label that the configuration names.
    ///
    /// # Errors
    /// When there is no such module, token or key, or the PIN is wrong.
    pub fn open(dir: &Path, settings: &Settings) -> Result<Self, SignerError> {
        Self::start(dir, settings, false)
    }

    /// The same, and has the token make the key if there is none.
    ///
    /// # Errors
    /// As of [`Pkcs11Key::open`].
    pub fn open_or_create(dir: &Path, settings: &Settings) -> Result<Self, SignerError> {
        Self::start(dir, settings, true)
    }

    fn start(dir: &Path, settings: &Settings, create: bool) -> Result<Self, SignerError> {
        let pin = read_pin(dir, settings)?;
        let module = Pkcs11::new(&settings.module).map_err(|error| failed(settings, &error))?;
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match module.initialize(arguments) {
            // By another key of this process.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(settings, &error)),
        }
        let session = log_in(&module, settings, &pin)?;
        let mut key = find(&session, settings, ObjectClass::PRIVATE_KEY)?;
        if key.is_none() && create {
            key = Some(generate(&session, settings)?);
        }
        let key = key.ok_or_else(|| token(settings, "holds no key of that label"))?;
        let public = public_key(&session, settings)?;
        Ok(Self {
            settings: settings.clone(),
            pin,
            module,
            session: Mutex::new(Some((session, key))),
            public,
        })
    }
}

fn token(settings: &Settings, reason: impl Into<String>) -> SignerError {
    SignerError::Token {
        token: settings.token.clone(),
        reason: reason.into(),
    }
}

fn failed(settings: &Settings, error: &Error) -> SignerError {
    token(settings, error.to_string())
}

fn read_pin(dir: &Path, settings: &Settings) -> Result<AuthPin, SignerError> {
    let path = dir.join(&settings.pin_file);
    let text = std::fs::read_to_string(&path).map_err(|source| SignerError::Io { path, source })?;
    Ok(AuthPin::new(text.lines().next().unwrap_or_default().into()))
}

fn log_in(module: &Pkcs11, settings: &Settings, pin: &AuthPin) -> Result<Session, SignerError> {
    let failed = |error| failed(settings, &error);
    for slot in module.get_slots_with_token().map_err(failed)? {
        let info = module.get_token_info(slot).map_err(failed)?;
        if info.label().trim_end() == settings.token {
            let session = module.open_rw_session(slot).map_err(failed)?;
            match session.login(UserType::User, Some(pin)) {
                // The login is the process's, not the session's (PKCS#11 v3.0 usage guide).
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => return Ok(session),
                Err(error) => return Err(failed(error)),
            }
        }
    }
    Err(token(settings, "is in no slot"))
}

fn find(
    session: &Session,
    settings: &Settings,
    class: ObjectClass,
) -> Result<Option<ObjectHandle>, SignerError> {
    let template = [
        Attribute::Class(class),
        Attribute::KeyType(KeyType::EC),
        Attribute::Label(settings.key.clone().into_bytes()),
    ];
    let found = session.find_objects(&template);
    let found = found.map_err(|error| failed(settings, &error))?;
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(token(settings, "holds several keys of that label")),
    }
}

fn generate(session: &Session, settings: &Settings) -> Result<ObjectHandle, SignerError> {
    let label = Attribute::Label(settings.key.clone().into_bytes());
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::EcParams(P256.to_vec()),
        label.clone(),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        label,
    ];
    let made = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private);
    made.map(|(_, private)| private)
        .map_err(|error| failed(settings, &error))
}

fn public_key(session: &Session, settings: &Settings) -> Result<PublicKey, SignerError> {
    let missing = || token(settings, "does not tell the public key of a P-256 key");
    let object = find(session, settings, ObjectClass::PUBLIC_KEY)?.ok_or_else(missing)?;
    let attributes =
        session.get_attributes(object, &[AttributeType::EcPoint, AttributeType::EcParams]);
    let attributes = attributes.map_err(|error| failed(settings, &error))?;
    let (mut point, mut curve) = (None, None);
    for attribute in attributes {
        match attribute {
            Attribute::EcPoint(bytes) => point = Some(bytes),
            Attribute::EcParams(bytes) => curve = Some(bytes),
            _ => {}
        }
    }
    let point = point.ok_or_else(missing)?;
    if curve.as_deref() != Some(&P256) || !point.starts_with(&POINT) {
        return Err(missing());
    }
    let coordinate = |from: usize| {
        point
            .get(from..from + 32)
            .and_then(|one| one.try_into().ok())
    };
    let (x, y) = coordinate(3).zip(coordinate(35)).ok_or_else(missing)?;
    Ok(PublicKey::p256(&x, &y))
}

impl Signer for Pkcs11Key {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn signature(&self, statement: &Statement) -> Result<[u8; SIGNATURE_BYTES], SignerError> {
        // Raw ECDSA over a digest made here: every token has it, not every one hashes.
        let digest = Sha256::digest(statement.bytes());
        let mut open = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let (session, key) = match open.take() {
            Some(session) => session,
            None => {
                let session = log_in(&self.module, &self.settings, &self.pin)?;
                let key = find(&session, &self.settings, ObjectClass::PRIVATE_KEY)?;
                (
                    session,
                    key.ok_or_else(|| token(&self.settings, "holds the key no more"))?,
                )
            }
        };
        let signature = session
            .sign(&Mechanism::Ecdsa, key, &digest)
            .map_err(|error| failed(&self.settings, &error))?;
        *open = Some((session, key));
        signature.try_into().map_err(|_| SignerError::Failed)
    }
}
