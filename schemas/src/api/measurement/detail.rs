//! A reading with what was issued for it and what was corrected.

use super::MeasurementReport;
use crate::WattHours;
use crate::gateway::{Cause, Quality};
use crate::id::{AccountId, BundleId, CertificateId, DeviceId, MeasurementId, UserId};
use crate::life_cycle::{CertificateStatus, Settle};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A reading with its certificates and its history. Always
/// `issued_wh + unissued_wh + paid_wh = interval_usage + excess_wh`, unless it was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeasurementReportReadFull)]
pub struct MeasurementDetail {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: MeasurementId,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// The metered device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Start of the interval.
    pub interval_start_datetime: DateTime<Utc>,
    /// End of the interval, exclusive.
    pub interval_end_datetime: DateTime<Utc>,
    /// Metered energy in Wh.
    #[schema(value_type = i64)]
    pub interval_usage: WattHours,
    /// `NET` or `GROSS`, as submitted.
    pub gross_net_indicator: String,
    /// Whether it was taken back.
    pub is_deleted: bool,
    /// The meter, where it is not the device's own.
    pub meter_identifier: Option<String>,
    /// How far it can be trusted, where a gateway signed it. Nothing is issued for a doubtful one before a
    /// person has issued or corrected it; what the gateway said stays.
    pub quality: Option<Quality>,
    /// Why not further.
    pub cause: Option<Cause>,
    /// Of the gateway's envelope that has it: the device that was metered.
    #[schema(value_type = Option<i64>)]
    pub envelope_device_id: Option<DeviceId>,
    /// The same: its number among the device's envelopes.
    pub envelope_sequence: Option<i64>,
    /// Wh that certificates stand for, whatever became of them; withdrawn ones do not count.
    #[schema(value_type = i64)]
    pub issued_wh: WattHours,
    /// Wh that no certificate stands for and that paid for none.
    #[schema(value_type = i64)]
    pub unissued_wh: WattHours,
    /// Wh that certificates stood for beyond what was metered when it was corrected: the device owes
    /// them, or paid for them with other readings.
    #[schema(value_type = i64)]
    pub excess_wh: WattHours,
    /// Wh that paid what the device owed.
    #[schema(value_type = i64)]
    pub paid_wh: WattHours,
    /// Its bundles, live and past, by id; at most 10,000.
    pub bundles: Vec<MeasurementBundle>,
    /// Its corrections, the oldest first.
    pub corrections: Vec<Correction>,
}

impl MeasurementDetail {
    /// A reading and what is known of it.
    #[must_use]
    pub fn of(
        report: MeasurementReport,
        envelope: Option<(DeviceId, i64)>,
        (excess_wh, paid_wh): (WattHours, WattHours),
        bundles: Vec<MeasurementBundle>,
        corrections: Vec<Correction>,
    ) -> Self {
        let counts = |status: CertificateStatus| {
            !matches!(
                status,
                CertificateStatus::Withdrawn | CertificateStatus::BundleSplit
            )
        };
        let issued_wh: WattHours = bundles
            .iter()
            .filter(|bundle| counts(bundle.certificate_bundle_status))
            .map(|bundle| bundle.bundle_quantity)
            .sum();
        let unissued_wh = if report.is_deleted {
            WattHours::ZERO
        } else {
            report.interval_usage + excess_wh - issued_wh - paid_wh
        };
        Self {
            id: report.id,
            created_at: report.created_at,
            device_id: report.device_id,
            interval_start_datetime: report.interval_start_datetime,
            interval_end_datetime: report.interval_end_datetime,
            interval_usage: report.interval_usage,
            gross_net_indicator: report.gross_net_indicator,
            is_deleted: report.is_deleted,
            meter_identifier: report.meter_identifier,
            quality: report.quality,
            cause: report.cause,
            envelope_device_id: envelope.map(|(device_id, _)| device_id),
            envelope_sequence: envelope.map(|(_, sequence)| sequence),
            issued_wh,
            unissued_wh,
            excess_wh,
            paid_wh,
            bundles,
            corrections,
        }
    }
}

/// A bundle of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasurementBundle {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: BundleId,
    /// Its state.
    pub certificate_bundle_status: CertificateStatus,
    /// The account that holds it, where the caller may see that.
    #[schema(value_type = Option<i64>)]
    pub account_id: Option<AccountId>,
    /// First certificate.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// Last certificate, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// Certificates it holds, each of 1 Wh.
    #[schema(value_type = i64)]
    pub bundle_quantity: WattHours,
    /// When it was issued.
    pub issuance_datestamp: DateTime<Utc>,
}

/// A correction of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    /// When.
    pub corrected_at: DateTime<Utc>,
    /// By whom.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Why.
    pub reason: String,
    /// What was to become of certificates that could not be taken back.
    pub settle: Settle,
    /// Wh before.
    #[schema(value_type = i64)]
    pub previous_usage: WattHours,
    /// Wh from then on.
    #[schema(value_type = i64)]
    pub interval_usage: WattHours,
    /// Bundles withdrawn.
    #[schema(value_type = Vec<i64>)]
    pub withdrawn_bundle_ids: Vec<BundleId>,
    /// Bundle issued anew for what was withdrawn beyond the difference.
    #[schema(value_type = Option<i64>)]
    pub reissued_bundle_id: Option<BundleId>,
    /// Bundle issued for the difference.
    #[schema(value_type = Option<i64>)]
    pub issued_bundle_id: Option<BundleId>,
    /// Wh that could not be taken back, which the device owed from then on.
    #[schema(value_type = i64)]
    pub debt_wh: WattHours,
    /// Wh of the difference that paid what the device owed.
    #[schema(value_type = i64)]
    pub paid_wh: WattHours,
}
