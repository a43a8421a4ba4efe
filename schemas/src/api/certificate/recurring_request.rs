//! Bodies that create a recurring rule: the fields of the action it repeats, what it may act on, and when.

use super::action_request::check_amounts;
use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::code;
use crate::energy::EnergySource;
use crate::id::{AccountId, BundleId, DeviceId, UserId};
use crate::life_cycle::{ActionType, CertificateStatus};
use crate::recurring::{MissedPeriods, PeriodUnit, Shortfall};
use chrono::{DateTime, Utc};
use utoipa::ToSchema;

/// What a rule shall do, whatever body it came in.
#[derive(Debug, Clone)]
pub struct RecurringAsked {
    /// The account whose bundles it acts on.
    pub source_id: Named<AccountId>,
    /// The user in whose name it is asked.
    pub user_id: Option<Named<UserId>>,
    /// Receiving account (transfer).
    pub target_id: Option<AccountId>,
    /// Who benefits (cancel).
    pub beneficiary: Option<String>,
    /// The beneficiary's account (cancel).
    pub beneficiary_account_id: Option<AccountId>,
    /// Wh per period.
    pub certificate_quantity: Option<WattHours>,
    /// Share of what matches.
    pub certificate_bundle_percentage: Option<ExactNumber>,
    /// Kept because the contract has it.
    pub localise_time: bool,
    /// Bundles it is restricted to.
    pub granular_certificate_bundle_ids: Vec<BundleId>,
    /// Devices it is restricted to.
    pub device_ids: Vec<DeviceId>,
    /// Sources it is restricted to.
    pub energy_sources: Vec<EnergySource>,
    /// States it takes bundles in.
    pub certificate_bundle_statuses: Vec<CertificateStatus>,
    /// Least age in seconds.
    pub min_age_s: Option<i64>,
    /// Greatest age in seconds.
    pub max_age_s: Option<i64>,
    /// When it runs first.
    pub initial_action_datetime: Option<DateTime<Utc>>,
    /// Unit of its period.
    pub recurring_period_units: PeriodUnit,
    /// Units per period.
    pub recurring_period_quantity: i64,
    /// Periods there are.
    pub number_of_recurring_actions: Option<i64>,
    /// What becomes of missed periods.
    pub missed_periods: MissedPeriods,
    /// What a run does that can not be met in full.
    pub shortfall: Shortfall,
}

/// The body of one kind of rule.
pub trait RecurringRequest: FromFields + 'static {
    /// The action it repeats.
    const ACTION: ActionType;

    /// What it asks.
    fn asked(self) -> RecurringAsked;
}

/// The contract names the rule's action by the route's last segment.
fn check_name(fields: &mut Fields<'_>, name: &str) {
    if let Some(named) = fields.optional::<String>("action_type")
        && named != name
    {
        fields.refuse(
            "action_type",
            code::UNKNOWN_VALUE,
            "Value error, `action_type` cannot be set explicitly.",
        );
    }
}

macro_rules! recurring_requests {
    ($(
        $(#[$doc:meta])*
        $name:ident($action:ident named $word:literal) {
            $(required { $($(#[$rdoc:meta])* $required:ident: $rtype:ty,)* })?
            $(optional { $($(#[$odoc:meta])* $optional:ident: $otype:ty,)* })?
        }
        example $example:tt
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, ToSchema)]
        #[schema(example = json!($example))]
        pub struct $name {
            /// The account whose bundles it acts on.
            #[schema(value_type = i64)]
            pub source_id: Named<AccountId>,
            /// Must be the caller's own id where given, unless the caller administers users.
            #[schema(value_type = Option<i64>)]
            pub user_id: Option<Named<UserId>>,
            /// Only certificates of these bundles, also where they are split later. Absent or empty:
            /// whatever else matches.
            #[schema(value_type = Vec<i64>, max_items = 1_000, required = false)]
            pub granular_certificate_bundle_ids: Vec<BundleId>,
            /// So many Wh per period, over all bundles that match together, oldest production first. Not
            /// together with a percentage; without either, all that matches.
            #[schema(value_type = Option<i64>, minimum = 1)]
            pub certificate_quantity: Option<WattHours>,
            /// Share p with 0 < p <= 1 of all that matches, in exact decimal arithmetic, rounded down to
            /// whole Wh. Not together with a quantity.
            #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 1)]
            pub certificate_bundle_percentage: Option<ExactNumber>,
            /// Kept because the contract has it; the registry counts in UTC.
            #[schema(required = false)]
            pub localise_time: bool,
            /// Only bundles made by these devices.
            #[schema(value_type = Vec<i64>, max_items = 1_000, required = false)]
            pub device_ids: Vec<DeviceId>,
            /// Only bundles made from these sources.
            #[schema(required = false)]
            pub energy_sources: Vec<EnergySource>,
            /// Only bundles in these states; Active where absent. A cancellation may take Reserved too.
            #[schema(required = false)]
            pub certificate_bundle_statuses: Vec<CertificateStatus>,
            /// Only bundles whose production ended at least so many seconds before the run.
            #[schema(minimum = 0, maximum = 3_155_760_000_i64)]
            pub min_age_s: Option<i64>,
            /// Only bundles whose production ended at most so many seconds before the run.
            #[schema(minimum = 0, maximum = 3_155_760_000_i64)]
            pub max_age_s: Option<i64>,
            /// When it runs first, at most 366 days ago and 3653 ahead; at once where absent.
            pub initial_action_datetime: Option<DateTime<Utc>>,
            /// Unit of its period, of the calendar in UTC. A month from the 31st ends on the last day of
            /// a shorter one.
            pub recurring_period_units: PeriodUnit,
            /// Units per period.
            #[schema(minimum = 1, maximum = 1_000, default = 1, required = false)]
            pub recurring_period_quantity: i64,
            /// Periods after which it ends; until somebody ends it where absent.
            #[schema(minimum = 1, maximum = 100_000)]
            pub number_of_recurring_actions: Option<i64>,
            /// What becomes of periods that went by while the registry could not run them: `catch_up`
            /// makes up for all of them in one run (a quantity once for each, a share once), `skip`
            /// passes them over.
            #[schema(required = false)]
            pub missed_periods: MissedPeriods,
            /// What a run does that can not be met in full: `partial` does what is possible, `nothing`
            /// nothing; then it takes one action, of at most 10,000 bundles.
            #[schema(required = false)]
            pub shortfall: Shortfall,
            $($($(#[$rdoc])* #[schema(value_type = i64)] pub $required: $rtype,)*)?
            $($($(#[$odoc])* pub $optional: Option<$otype>,)*)?
        }

        impl FromFields for $name {
            fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
                check_name(fields, $word);
                let source_id = fields.required("source_id");
                let user_id = fields.optional("user_id");
                let granular_certificate_bundle_ids =
                    fields.or("granular_certificate_bundle_ids", Vec::new());
                let certificate_quantity = fields.optional("certificate_quantity");
                let certificate_bundle_percentage =
                    fields.optional("certificate_bundle_percentage");
                check_amounts(fields, certificate_bundle_percentage);
                let localise_time = fields.or("localise_time", true);
                let device_ids = fields.or("device_ids", Vec::new());
                let energy_sources = fields.or("energy_sources", Vec::new());
                let certificate_bundle_statuses =
                    fields.or("certificate_bundle_statuses", Vec::new());
                let min_age_s = fields.optional("min_age_s");
                let max_age_s = fields.optional("max_age_s");
                let initial_action_datetime = fields.optional("initial_action_datetime");
                let recurring_period_units = fields.required("recurring_period_units");
                let recurring_period_quantity = fields.or("recurring_period_quantity", 1);
                let number_of_recurring_actions = fields.optional("number_of_recurring_actions");
                let missed_periods = fields.or("missed_periods", MissedPeriods::CatchUp);
                let shortfall = fields.or("shortfall", Shortfall::Partial);
                $($(let $required = fields.required(stringify!($required));)*)?
                $($(let $optional = fields.optional(stringify!($optional));)*)?
                Some(Self {
                    source_id: source_id?,
                    user_id,
                    granular_certificate_bundle_ids,
                    certificate_quantity,
                    certificate_bundle_percentage,
                    localise_time,
                    device_ids,
                    energy_sources,
                    certificate_bundle_statuses,
                    min_age_s,
                    max_age_s,
                    initial_action_datetime,
                    recurring_period_units: recurring_period_units?,
                    recurring_period_quantity,
                    number_of_recurring_actions,
                    missed_periods,
                    shortfall,
                    $($($required: $required?,)*)?
                    $($($optional,)*)?
                })
            }
        }

        impl RecurringRequest for $name {
            const ACTION: ActionType = ActionType::$action;

            fn asked(self) -> RecurringAsked {
                let none = RecurringAsked {
                    source_id: self.source_id,
                    user_id: self.user_id,
                    target_id: None,
                    beneficiary: None,
                    beneficiary_account_id: None,
                    certificate_quantity: self.certificate_quantity,
                    certificate_bundle_percentage: self.certificate_bundle_percentage,
                    localise_time: self.localise_time,
                    granular_certificate_bundle_ids: self.granular_certificate_bundle_ids,
                    device_ids: self.device_ids,
                    energy_sources: self.energy_sources,
                    certificate_bundle_statuses: self.certificate_bundle_statuses,
                    min_age_s: self.min_age_s,
                    max_age_s: self.max_age_s,
                    initial_action_datetime: self.initial_action_datetime,
                    recurring_period_units: self.recurring_period_units,
                    recurring_period_quantity: self.recurring_period_quantity,
                    number_of_recurring_actions: self.number_of_recurring_actions,
                    missed_periods: self.missed_periods,
                    shortfall: self.shortfall,
                };
                RecurringAsked {
                    $($($required: Some(self.$required),)*)?
                    $($($optional: self.$optional,)*)?
                    ..none
                }
            }
        }
    )+};
}

recurring_requests! {
    /// Transfers once per period.
    RecurringTransferRequest(Transfer named "recurring_transfer") {
        required {
            /// The receiving account; it must have whitelisted the source, also when the rule runs.
            target_id: AccountId,
        }
    }
    example {
        "source_id": 1, "target_id": 2, "certificate_quantity": 5_000_000, "energy_sources": ["wind"],
        "initial_action_datetime": "2025-01-31T06:00:00Z", "recurring_period_units": "month",
        "recurring_period_quantity": 1, "number_of_recurring_actions": 12
    }

    /// Cancels once per period.
    RecurringCancelRequest(Cancel named "recurring_cancel") {
        optional {
            /// Who benefits; the name of the source account where absent.
            #[schema(max_length = 500)]
            beneficiary: String,
            /// The beneficiary's account in this registry: it alone may claim.
            #[schema(value_type = Option<i64>)]
            beneficiary_account_id: AccountId,
        }
    }
    example {
        "source_id": 1, "certificate_bundle_percentage": 0.5, "beneficiary": "Example Data Centre",
        "recurring_period_units": "day", "min_age_s": 86_400, "missed_periods": "skip"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read<T: RecurringRequest>(body: &str) -> Result<RecurringAsked, Vec<String>> {
        let read = Fields::from_json(body.as_bytes()).unwrap().read::<T>();
        let pointers = |errors: Vec<crate::api::problem::FieldError>| {
            let pointers = errors.into_iter().filter_map(|error| error.pointer);
            pointers.collect()
        };
        read.map(T::asked).map_err(pointers)
    }

    #[test]
    fn what_a_rule_does_not_say_restricts_nothing() {
        let body = r#"{"source_id":1,"user_id":3,"granular_certificate_bundle_ids":[],
            "action_type":"recurring_cancel","recurring_period_units":"week"}"#;
        let asked = read::<RecurringCancelRequest>(body).unwrap();
        assert_eq!(asked.recurring_period_quantity, 1);
        assert_eq!(asked.number_of_recurring_actions, None);
        assert_eq!(asked.missed_periods, MissedPeriods::CatchUp);
        assert_eq!(asked.shortfall, Shortfall::Partial);
        assert!(asked.granular_certificate_bundle_ids.is_empty());
        assert_eq!(asked.initial_action_datetime, None);
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let body = r#"{"action_type":"transfer","recurring_period_units":"fortnight",
            "certificate_quantity":1,"certificate_bundle_percentage":2,"missed_periods":"later"}"#;
        let pointers = read::<RecurringTransferRequest>(body).unwrap_err();
        for pointer in [
            "/action_type",
            "/source_id",
            "/target_id",
            "/recurring_period_units",
            "/certificate_bundle_percentage",
            "/missed_periods",
        ] {
            assert!(
                pointers.iter().any(|named| named == pointer),
                "{pointer} in {pointers:?}"
            );
        }
    }
}
