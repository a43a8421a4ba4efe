//! Issuance of one bundle by hand.

use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::code;
use crate::energy::{EnergyCarrier, EnergySource};
use crate::id::{AccountId, CertificateId, DeviceId, MetadataId};
use crate::life_cycle::CertificateStatus;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use utoipa::ToSchema;

/// A bundle to issue. It is held to the rules of an issuance from readings: the range is the device's
/// next free one, the quantity fits range, capacity and what was metered. The issuance id, hash and id
/// follow; what the client sends for them is ignored.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = GranularCertificateBundleCreate, example = json!({
    "account_id": 1, "device_id": 1, "metadata_id": 1,
    "certificate_bundle_id_range_start": 1, "certificate_bundle_id_range_end": 1000,
    "bundle_quantity": 1000, "energy_carrier": "electricity", "energy_source": "wind", "face_value": 1,
    "issuance_post_energy_carrier_conversion": false,
    "production_starting_interval": "2024-11-18T10:00:00Z",
    "production_ending_interval": "2024-11-18T11:00:00Z",
    "expiry_datestamp": "2026-11-18T00:00:00Z", "is_storage": false
}))]
pub struct NewBundle {
    /// The account that receives.
    #[schema(value_type = i64)]
    pub account_id: Named<AccountId>,
    /// The device that produced.
    #[schema(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// The issuance metadata that applies.
    #[schema(value_type = i64)]
    pub metadata_id: MetadataId,
    /// `Active` where given: what is issued is active.
    #[schema(value_type = Option<String>, pattern = "^Active$", example = "Active")]
    pub certificate_bundle_status: Option<CertificateStatus>,
    /// First certificate; the device's next free one where absent.
    #[schema(value_type = Option<i64>)]
    pub certificate_bundle_id_range_start: Option<CertificateId>,
    /// Last certificate, inclusive; follows from the quantity where absent.
    #[schema(value_type = Option<i64>)]
    pub certificate_bundle_id_range_end: Option<CertificateId>,
    /// Certificates to issue, each of 1 Wh.
    #[schema(value_type = i64, minimum = 1)]
    pub bundle_quantity: WattHours,
    /// Form of energy.
    pub energy_carrier: EnergyCarrier,
    /// Source of energy: the device's.
    pub energy_source: EnergySource,
    /// Wh per certificate: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub face_value: Option<i64>,
    /// Whether issued after carrier conversion.
    #[schema(required = false)]
    pub issuance_post_energy_carrier_conversion: bool,
    /// Start of production.
    pub production_starting_interval: DateTime<Utc>,
    /// End of production.
    pub production_ending_interval: DateTime<Utc>,
    /// First instant at which it is expired; the registry's policy where absent.
    pub expiry_datestamp: Option<DateTime<Utc>>,
    /// Emissions factor of the device in kgCO2e/MWh.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000)]
    pub emissions_factor_production_device: Option<ExactNumber>,
    /// Source of the emissions factor.
    #[schema(max_length = 500)]
    pub emissions_factor_source: Option<String>,
    /// `false` or `0` where given: what storage releases is issued elsewhere.
    #[schema(required = false)]
    pub is_storage: bool,
}

impl FromFields for NewBundle {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let account_id = fields.required("account_id");
        let device_id = fields.required("device_id");
        let metadata_id = fields.required("metadata_id");
        let bundle_quantity = fields.required("bundle_quantity");
        let energy_carrier = fields.required("energy_carrier");
        let energy_source = fields.required("energy_source");
        let production_starting_interval = fields.required("production_starting_interval");
        let production_ending_interval = fields.required("production_ending_interval");
        let read = Self {
            account_id: account_id?,
            device_id: device_id?,
            metadata_id: metadata_id?,
            certificate_bundle_status: fields.optional("certificate_bundle_status"),
            certificate_bundle_id_range_start: fields.optional("certificate_bundle_id_range_start"),
            certificate_bundle_id_range_end: fields.optional("certificate_bundle_id_range_end"),
            bundle_quantity: bundle_quantity?,
            energy_carrier: energy_carrier?,
            energy_source: energy_source?,
            face_value: fields.optional("face_value"),
            issuance_post_energy_carrier_conversion: fields
                .or("issuance_post_energy_carrier_conversion", false),
            production_starting_interval: production_starting_interval?,
            production_ending_interval: production_ending_interval?,
            expiry_datestamp: fields.optional("expiry_datestamp"),
            emissions_factor_production_device: fields
                .optional("emissions_factor_production_device"),
            emissions_factor_source: fields.optional("emissions_factor_source"),
            is_storage: fields.or("is_storage", false),
        };
        read.check(fields);
        Some(read)
    }
}

/// Largest emissions factor in kgCO2e/MWh: no fuel has a hundredth of it.
pub const MAX_EMISSIONS_FACTOR: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// Code of a bundle for energy that was not produced; the ledger's own.
const DEVICE_NOT_CERTIFIED: &str = "device_not_certified";

impl NewBundle {
    /// What no issuance by hand can be given another value for.
    fn check(&self, fields: &mut Fields<'_>) {
        let fixed = [
            (
                "certificate_bundle_status",
                self.certificate_bundle_status
                    .is_none_or(|status| status == CertificateStatus::Active),
                "a bundle is issued `Active`",
            ),
            (
                "face_value",
                self.face_value.is_none_or(|value| value == 1),
                "a certificate is 1 Wh",
            ),
            (
                "emissions_factor_production_device",
                self.emissions_factor_production_device
                    .is_none_or(|factor| {
                        (Decimal::ZERO..=MAX_EMISSIONS_FACTOR).contains(&factor.0)
                    }),
                "`emissions_factor_production_device` must be 0 to 1,000,000",
            ),
        ];
        for (field, holds, rule) in fixed {
            if !holds {
                fields.refuse(field, code::OUT_OF_RANGE, rule);
            }
        }
        if self.is_storage {
            let rule = "certificates for energy released from storage are not issued here";
            fields.refuse("is_storage", DEVICE_NOT_CERTIFIED, rule);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn refused(field: &str, value: Value) -> Option<(String, String)> {
        let mut body = json!({
            "account_id": 1, "device_id": 1, "metadata_id": 1, "bundle_quantity": 10,
            "energy_carrier": "electricity", "energy_source": "wind",
            "production_starting_interval": "2024-11-18T10:00:00Z",
            "production_ending_interval": "2024-11-18T11:00:00Z",
        });
        body[field] = value;
        let body = serde_json::to_vec(&body).unwrap();
        let errors = Fields::from_json(&body)
            .unwrap()
            .read::<NewBundle>()
            .err()?;
        Some((errors[0].pointer.clone().unwrap(), errors[0].code.clone()))
    }

    #[test]
    fn an_emissions_factor_is_0_to_a_million() {
        let field = "emissions_factor_production_device";
        assert_eq!(refused(field, json!(0)), None);
        assert_eq!(refused(field, json!(1_000_000)), None);
        for wrong in [json!(1_000_000.000_1), json!(-0.1)] {
            assert_eq!(refused(field, wrong).unwrap().1, code::OUT_OF_RANGE);
        }
    }

    #[test]
    fn a_bundle_is_issued_active_of_1_wh_certificates_and_not_for_storage() {
        for (field, fixed, other, code) in [
            (
                "certificate_bundle_status",
                json!("Active"),
                json!("Locked"),
                code::OUT_OF_RANGE,
            ),
            ("face_value", json!(1), json!(2), code::OUT_OF_RANGE),
            ("is_storage", json!(0), json!(true), DEVICE_NOT_CERTIFIED),
        ] {
            assert_eq!(refused(field, fixed), None);
            assert_eq!(
                refused(field, other),
                Some((format!("/{field}"), code.to_owned()))
            );
        }
    }
}
