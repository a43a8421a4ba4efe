//! A key that never leaves its token: HSM, TPM or secure element behind a PKCS#11 module.

use super::{Signer, SignerError, Statement};
use crate::config::Pkcs11 as Settings;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use schemas::gateway::jws::SIGNATURE_BYTES;
use schemas::gateway::{KeyId, PublicKey};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// DER of the object identifier of P-256, 1.2.840.10045.3.1.7 (RFC 5480, 2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// How an uncompressed point of P-256 begins as a DER octet string (PKCS#11 v3.0, 2.3.3): tag, length, 04.
const POINT: [u8; 3] = [0x04, 0x41, 0x04];

/// A P-256 key on a token. The first has the label of the configuration, those after it that and a number: `meter`,
/// `meter-2`, `meter-3`. A key that was replaced stays where it is.
pub struct Pkcs11Key {
    settings: Settings,
    label: String,
    pin: AuthPin,
    module: Pkcs11,
    /// None after a failure: opened anew for the next signature.
    session: Mutex<Option<(Session, ObjectHandle)>>,
    public: PublicKey,
}

impl Pkcs11Key {
    /// Opens the key with this id.
    ///
    /// # Errors
    /// When there is no such module, token or key, or the PIN is wrong.
    pub fn open(dir: &Path, settings: &Settings, id: KeyId) -> Result<Self, SignerError> {
        let opened = Opened::new(dir, settings)?;
        for (number, key) in numbered(&opened.session, settings)? {
            let label = label(settings, number);
            let public = public_key(&opened.session, settings, &label)?;
            if public.key_id() == id {
                return Ok(opened.with(settings, label, key, public));
            }
        }
        Err(token(settings, format!("holds no key {id}")))
    }

    /// A key to enrol with or to change to: the newest, which was made for a change that was broken off, or, where
    /// that is the one in use, a new one, which the token makes.
    ///
    /// # Errors
    /// When there is no such module or token, the PIN is wrong, or the token makes no such key.
    pub fn next(dir: &Path, settings: &Settings, used: Option<KeyId>) -> Result<Self, SignerError> {
        let opened = Opened::new(dir, settings)?;
        let newest = numbered(&opened.session, settings)?.pop();
        if let Some((number, key)) = newest {
            let label = label(settings, number);
            let public = public_key(&opened.session, settings, &label)?;
            if Some(public.key_id()) != used {
                return Ok(opened.with(settings, label, key, public));
            }
        }
        let label = label(settings, newest.map_or(1, |(number, _)| number + 1));
        let key = generate(&opened.session, settings, &label)?;
        let public = public_key(&opened.session, settings, &label)?;
        Ok(opened.with(settings, label, key, public))
    }
}

/// A token that was logged in to.
struct Opened {
    pin: AuthPin,
    module: Pkcs11,
    session: Session,
}

impl Opened {
    fn new(dir: &Path, settings: &Settings) -> Result<Self, SignerError> {
        let pin = read_pin(dir, settings)?;
        let module = Pkcs11::new(&settings.module).map_err(|error| failed(settings, &error))?;
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match module.initialize(arguments) {
            // By another key of this process.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(settings, &error)),
        }
        let session = log_in(&module, settings, &pin)?;
        Ok(Self {
            pin,
            module,
            session,
        })
    }

    fn with(
        self,
        settings: &Settings,
        label: String,
        key: ObjectHandle,
        public: PublicKey,
    ) -> Pkcs11Key {
        Pkcs11Key {
            settings: settings.clone(),
            label,
            pin: self.pin,
            module: self.module,
            session: Mutex::new(Some((self.session, key))),
            public,
        }
    }
}

fn label(settings: &Settings, number: u32) -> String {
    match number {
        1 => settings.key.clone(),
        _ => format!("{}-{number}", settings.key),
    }
}

/// Which of the keys of the configured label has this one.
fn number(settings: &Settings, label: &str) -> Option<u32> {
    let rest = label.strip_prefix(&settings.key)?;
    if rest.is_empty() {
        return Some(1);
    }
    let number = rest.strip_prefix('-')?.parse().ok()?;
    (number > 1).then_some(number)
}

/// The private keys of the configured label, oldest first.
fn numbered(
    session: &Session,
    settings: &Settings,
) -> Result<Vec<(u32, ObjectHandle)>, SignerError> {
    let failed = |error| failed(settings, &error);
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(KeyType::EC),
    ];
    let mut keys = Vec::new();
    for object in session.find_objects(&template).map_err(failed)? {
        let attributes = session.get_attributes(object, &[AttributeType::Label]);
        for attribute in attributes.map_err(failed)? {
            if let Attribute::Label(bytes) = attribute
                && let Some(number) = number(settings, &String::from_utf8_lossy(&bytes))
            {
                keys.push((number, object));
            }
        }
    }
    keys.sort_unstable_by_key(|(number, _)| *number);
    if keys.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(token(settings, "holds several keys of one label"));
    }
    Ok(keys)
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
    label: &str,
    class: ObjectClass,
) -> Result<Option<ObjectHandle>, SignerError> {
    let template = [
        Attribute::Class(class),
        Attribute::KeyType(KeyType::EC),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let found = session.find_objects(&template);
    let found = found.map_err(|error| failed(settings, &error))?;
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(token(settings, "holds several keys of that label")),
    }
}

fn generate(
    session: &Session,
    settings: &Settings,
    label: &str,
) -> Result<ObjectHandle, SignerError> {
    let label = Attribute::Label(label.as_bytes().to_vec());
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

fn public_key(
    session: &Session,
    settings: &Settings,
    label: &str,
) -> Result<PublicKey, SignerError> {
    let missing = || token(settings, "does not tell the public key of a P-256 key");
    let object = find(session, settings, label, ObjectClass::PUBLIC_KEY)?.ok_or_else(missing)?;
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
                let class = ObjectClass::PRIVATE_KEY;
                let key = find(&session, &self.settings, &self.label, class)?;
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
