//! Reading old versions: each step lifts a payload by one version, as JSON, before it is parsed.

use super::DecodeError;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Lifts the payload of `(event type, version)` to the next version.
type Step = (&'static str, u16, fn(Value) -> Value);

/// Every step there is. A new version of an event adds one here and a golden file of the old bytes.
const STEPS: &[Step] = &[
    ("BundlesImported", 1, with_content),
    ("ExportRefused", 1, |mut event| {
        event["certificates"] = json!([]);
        with_content(event)
    }),
];

/// What an export offers was not kept: zeros, which no export hashes to.
fn with_content(mut event: Value) -> Value {
    if let Some(export) = event.get_mut("export") {
        export["content"] = json!("0".repeat(64));
    }
    event
}

/// Parses `data`, written as `version`, into the newest shape.
pub(super) fn payload<T: DeserializeOwned>(
    event_type: &str,
    version: u16,
    newest: u16,
    data: &[u8],
) -> Result<T, DecodeError> {
    payload_with(STEPS, event_type, version, newest, data)
}

fn payload_with<T: DeserializeOwned>(
    steps: &[Step],
    event_type: &str,
    version: u16,
    newest: u16,
    data: &[u8],
) -> Result<T, DecodeError> {
    if version > newest {
        return Err(DecodeError::NewerVersion {
            event_type: event_type.to_owned(),
            version,
            newest,
        });
    }
    let parsed = if version == newest {
        serde_json::from_slice(data)
    } else {
        serde_json::from_slice(data).and_then(|mut value: Value| {
            for at in version..newest {
                if let Some((_, _, lift)) = steps
                    .iter()
                    .find(|(name, from, _)| *name == event_type && *from == at)
                {
                    value = lift(value);
                }
            }
            serde_json::from_value(value)
        })
    };
    parsed.map_err(|source| DecodeError::Payload {
        event_type: event_type.to_owned(),
        version,
        source,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Renamed {
        amount_wh: i64,
        unit: String,
    }

    const LIFTS: &[Step] = &[
        ("Renamed", 1, |old| json!({ "amount_wh": old["amount"] })),
        ("Renamed", 2, |mut old| {
            old["unit"] = json!("Wh");
            old
        }),
    ];

    #[test]
    fn an_old_payload_passes_through_every_version_in_between() {
        let newest = Renamed {
            amount_wh: 5,
            unit: "Wh".into(),
        };
        let read =
            |version, data: &[u8]| payload_with::<Renamed>(LIFTS, "Renamed", version, 3, data);
        assert_eq!(read(1, br#"{"amount":5}"#).unwrap(), newest);
        assert_eq!(read(2, br#"{"amount_wh":5}"#).unwrap(), newest);
        assert_eq!(read(3, br#"{"amount_wh":5,"unit":"Wh"}"#).unwrap(), newest);
    }

    #[test]
    fn a_payload_from_the_future_is_refused() {
        let refused = payload_with::<Renamed>(LIFTS, "Renamed", 4, 3, b"{}");
        assert!(matches!(
            refused,
            Err(DecodeError::NewerVersion {
                version: 4,
                newest: 3,
                ..
            })
        ));
    }
}
