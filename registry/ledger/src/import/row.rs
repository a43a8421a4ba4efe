//! Rules of one row of an import.

use super::{
    EMISSIONS_SOURCE, ENERGY_SOURCE, EXPIRY, HASH, HASH_CHARS, ISSUANCE_ID, ISSUED_AT, Known,
    ORIGIN_BUNDLE, ORIGIN_DEVICE, PRODUCTION_END, PRODUCTION_START, QUANTITY, RANGE_END,
    RANGE_START, STATUS,
};
use crate::command::{ImportBundles, ImportRow};
use crate::context::Context;
use crate::device::MAX_TEXT_CHARS;
use crate::issuance::check_metadata;
use crate::reading::{self, Broken, check_ended, check_interval, check_reading};
use crate::refusal::Code;
use schemas::id::MAX_CERTIFICATE_ID;
use schemas::interval::rfc3339;
use schemas::life_cycle::CertificateStatus;

/// The row keeps every rule but those about other rows and about where its certificates are.
pub(super) fn check_row(
    import: &ImportBundles,
    devices: &[Known],
    row: &ImportRow,
    context: &Context,
) -> Result<(), Broken> {
    let (Some(known), Some(metadata)) =
        (devices.get(row.device), import.metadata.get(row.metadata))
    else {
        let rule = "the device or metadata of the row is not there".to_owned();
        return Err((ORIGIN_DEVICE, Code::Internal, rule));
    };
    if row.status != CertificateStatus::Active {
        return Err((
            STATUS,
            Code::ImportNotActive,
            format!(
                "only an Active bundle is imported; this one is {}",
                row.status
            ),
        ));
    }
    check_range(row)?;
    // What a registry has signed, it held to the device as that was at the time. Here it may have changed since, and
    // a certificate of stored energy names the source that was stored.
    let is_signed = import.export.is_some();
    check_interval(row.production_start, row.production_end)
        .and_then(|interval| match is_signed {
            true => check_ended(interval, context),
            false => check_reading(&known.device, interval, row.quantity, context),
        })
        .map_err(|(column, code, rule)| (import_column(column), code, rule))?;
    if row.issued_at < row.production_end || row.issued_at > context.now {
        return Err((
            ISSUED_AT,
            Code::ValueOutOfRange,
            format!(
                "{ISSUED_AT} must lie between the end of production and now; {} does not",
                rfc3339(row.issued_at)
            ),
        ));
    }
    if row.terms.expiry <= context.now {
        return Err((
            EXPIRY,
            Code::BundleExpired,
            format!("the bundle expired at {}", rfc3339(row.terms.expiry)),
        ));
    }
    let source = known.device.attributes.energy_source;
    if !is_signed && row.terms.energy_source != source {
        return Err((
            ENERGY_SOURCE,
            Code::ValueOutOfRange,
            format!("energy_source must be the device's: {source}"),
        ));
    }
    check_metadata(metadata)?;
    check_texts(row)
}

fn check_range(row: &ImportRow) -> Result<(), Broken> {
    if row.start.0 < 1 {
        return Err((
            RANGE_START,
            Code::ValueOutOfRange,
            "certificate ids begin at 1".to_owned(),
        ));
    }
    if row.end.0 > MAX_CERTIFICATE_ID {
        return Err((
            RANGE_END,
            Code::ValueOutOfRange,
            format!("certificate ids end at {MAX_CERTIFICATE_ID}"),
        ));
    }
    if row.end < row.start || row.end.0 - row.start.0 + 1 != row.quantity.0 {
        return Err((
            QUANTITY,
            Code::RangeQuantity,
            format!(
                "bundle_quantity must be {RANGE_END} - {RANGE_START} + 1; {} is not",
                row.quantity.0
            ),
        ));
    }
    Ok(())
}

fn check_texts(row: &ImportRow) -> Result<(), Broken> {
    let emissions_source = row.terms.emissions_factor_source.as_deref();
    let texts = [
        (ORIGIN_BUNDLE, Some(row.bundle_id.as_str())),
        (ISSUANCE_ID, Some(row.issuance_id.as_str())),
        (EMISSIONS_SOURCE, emissions_source),
    ];
    for (column, text) in texts {
        if text.is_some_and(|text| !(1..=MAX_TEXT_CHARS).contains(&text.chars().count())) {
            return Err((
                column,
                Code::ValueOutOfRange,
                format!("{column} must have 1 to {MAX_TEXT_CHARS} characters"),
            ));
        }
    }
    let is_hash = |hash: &String| {
        hash.len() == HASH_CHARS && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    if row.hash.as_ref().is_some_and(|hash| !is_hash(hash)) {
        return Err((
            HASH,
            Code::ValueOutOfRange,
            format!("hash must be a SHA-256 in {HASH_CHARS} hexadecimal digits"),
        ));
    }
    Ok(())
}

/// The column of an import that a column of readings stands for.
fn import_column(column: &'static str) -> &'static str {
    match column {
        reading::START => PRODUCTION_START,
        reading::END => PRODUCTION_END,
        reading::USAGE => QUANTITY,
        other => other,
    }
}
