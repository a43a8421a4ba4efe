//! Why a command was refused. A refused command leaves nothing behind.

use crate::state::NotLoaded;
use std::fmt;

/// How a refusal is answered: each maps to one HTTP status at the web edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was named does not exist, or the caller may not know of it.
    NotFound,
    /// What was asked conflicts with the state of what it was asked of.
    Conflict,
    /// What was asked breaks a rule.
    Rule,
    /// The registry itself is at fault.
    Internal,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal $kind:ident),+ $(,)?) => {
        /// Stable code of a refusal; each has a page that says what happened and what to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// How it is answered.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),+ }
            }
        }
    };
}

codes! {
    /// No such account.
    AccountNotFound = "account_not_found" NotFound,
    /// Another account has the name.
    AccountNameTaken = "account_name_taken" Rule,
    /// The account is closed.
    AccountClosed = "account_closed" Rule,
    /// The issuing body suspended the account.
    AccountSuspended = "account_suspended" Conflict,
    /// The account was asked for, and is not approved yet.
    AccountNotApproved = "account_not_approved" Conflict,
    /// The account's state does not allow the step.
    AccountState = "account_state" Conflict,
    /// The issuing body stopped the transfers of an account.
    TransferDisabled = "transfer_disabled" Conflict,
    /// The account still holds certificates or devices.
    AccountNotEmpty = "account_not_empty" Conflict,
    /// An account needs a member.
    AccountWithoutUsers = "account_without_users" Rule,
    /// An account can not be on its own whitelist.
    WhitelistSelf = "whitelist_self" Rule,
    /// The account is on the whitelist already.
    WhitelistRepeated = "whitelist_repeated" Rule,
    /// The account is not on the whitelist.
    WhitelistMissing = "whitelist_missing" NotFound,
    /// No such device.
    DeviceNotFound = "device_not_found" NotFound,
    /// The device was removed.
    DeviceRemoved = "device_removed" Rule,
    /// The device has no such meter.
    MeterNotFound = "meter_not_found" NotFound,
    /// Readings of the meter are no longer accepted.
    MeterInactive = "meter_inactive" Rule,
    /// Another meter of the device has the identifier.
    MeterIdentifierTaken = "meter_identifier_taken" Rule,
    /// No issuance metadata has been recorded.
    IssuanceMetadataMissing = "issuance_metadata_missing" NotFound,
    /// A value is outside what its field allows.
    ValueOutOfRange = "value_out_of_range" Rule,
    /// A list is empty.
    ListEmpty = "list_empty" Rule,
    /// A list is longer than its limit.
    ListTooLong = "list_too_long" Rule,
    /// Rows of a submission were refused; `errors` says which and why.
    ReadingsRefused = "readings_refused" Rule,
    /// A different value was accepted for the interval before.
    ReadingConflict = "reading_conflict" Conflict,
    /// The interval overlaps another of the device.
    ReadingOverlap = "reading_overlap" Rule,
    /// The end does not lie after the start.
    IntervalOrder = "interval_order" Rule,
    /// The interval is longer than an hour, does not divide one evenly or is not aligned to it.
    IntervalGrid = "interval_grid" Rule,
    /// The interval starts before the device's operational date.
    BeforeOperation = "before_operation" Rule,
    /// The interval ends in the future.
    InFuture = "in_future" Rule,
    /// The amount is negative.
    NegativeAmount = "negative_amount" Rule,
    /// The amount is not below capacity × hours × margin.
    OverCapacity = "over_capacity" Rule,
    /// No such reading.
    MeasurementNotFound = "measurement_not_found" NotFound,
    /// Certificates were issued for the reading.
    MeasurementIssued = "measurement_issued" Conflict,
    /// Certificates that a correction takes the energy from can not be taken back.
    CorrectionBlocked = "correction_blocked" Conflict,
    /// The reading's certificates are others than the caller found.
    BundlesChanged = "bundles_changed" Conflict,
    /// All that would be issued is owed for certificates whose energy a correction took.
    DeviceInDebt = "device_in_debt" Conflict,
    /// The certificate range was issued before or does not start after the last.
    RangeTaken = "range_taken" Conflict,
    /// Quantity and range do not agree.
    RangeQuantity = "range_quantity" Rule,
    /// More would be issued for the interval than was metered.
    OverMetered = "over_metered" Conflict,
    /// The device is not one that certificates are issued for.
    DeviceNotCertified = "device_not_certified" Rule,
    /// The device has no certificate serials left.
    SerialsExhausted = "serials_exhausted" Rule,
    /// No such bundle in the source account.
    BundleNotFound = "bundle_not_found" NotFound,
    /// A bundle is listed twice.
    BundleRepeated = "bundle_repeated" Rule,
    /// The bundle's state does not allow the action.
    BundleState = "bundle_state" Conflict,
    /// The bundle is past its expiry.
    BundleExpired = "bundle_expired" Conflict,
    /// The target account does not accept transfers from the source.
    NotWhitelisted = "not_whitelisted" Rule,
    /// Quantity and percentage were both given.
    QuantityAndPercentage = "quantity_and_percentage" Rule,
    /// The percentage of a bundle is less than one certificate.
    SplitTooSmall = "split_too_small" Rule,
    /// The listed bundles hold less than the total asked for.
    QuantityExceedsTotal = "quantity_exceeds_total" Rule,
    /// The claim is not made for the recorded beneficiary or from its account.
    BeneficiaryMismatch = "beneficiary_mismatch" Rule,
    /// No such recurring rule.
    RecurringRuleNotFound = "recurring_rule_not_found" NotFound,
    /// The rule's state does not allow it.
    RecurringRuleState = "recurring_rule_state" Conflict,
    /// The rule would begin too long ago or too far ahead.
    RecurringStart = "recurring_start" Rule,
    /// The period is not due yet.
    RecurringPeriodNotDue = "recurring_period_not_due" Conflict,
    /// The period, or this step of it, has run.
    RecurringPeriodDone = "recurring_period_done" Conflict,
    /// The bundles a run was to act on have changed since they were looked up.
    RecurringCandidatesChanged = "recurring_candidates_changed" Conflict,
    /// The device does not store energy.
    DeviceNotStorage = "device_not_storage" Rule,
    /// No such storage record.
    StorageRecordNotFound = "storage_record_not_found" NotFound,
    /// Rows of storage records were refused; `errors` says which and why.
    StorageRecordsRefused = "storage_records_refused" Rule,
    /// The record leaves a gap to the one before.
    StorageGap = "storage_gap" Rule,
    /// The record overlaps another of the device.
    StorageOverlap = "storage_overlap" Rule,
    /// A different flow was accepted for the interval before.
    StorageRecordConflict = "storage_record_conflict" Conflict,
    /// Records follow the one to be taken back.
    StorageRecordNotLast = "storage_record_not_last" Conflict,
    /// An allocation or a measured efficiency rests on the record.
    StorageRecordInUse = "storage_record_in_use" Conflict,
    /// The record is no charge, or no discharge.
    StorageRecordKind = "storage_record_kind" Rule,
    /// The window has an efficiency already.
    StorageWindowFixed = "storage_window_fixed" Conflict,
    /// The window is too long or not covered by records.
    StorageWindow = "storage_window" Rule,
    /// The efficiency is not above 0 and at most 1.
    StorageEfficiencyRange = "storage_efficiency_range" Rule,
    /// No efficiency holds for a discharge.
    StorageEfficiencyMissing = "storage_efficiency_missing" Conflict,
    /// The device's allocation method was fixed otherwise.
    StorageMethodFixed = "storage_method_fixed" Conflict,
    /// No discharge of the range can be allocated to a charge.
    NothingToAllocate = "nothing_to_allocate" Conflict,
    /// Rows of an allocation were refused; `errors` says which and why.
    AllocationsRefused = "allocations_refused" Rule,
    /// More would be allocated than was charged or discharged.
    OverAllocated = "over_allocated" Conflict,
    /// The discharge starts before the charge has ended.
    AllocationOrder = "allocation_order" Rule,
    /// Produced is not consumed times the efficiency, rounded down.
    AllocationAmount = "allocation_amount" Rule,
    /// No such allocation.
    AllocationNotFound = "allocation_not_found" NotFound,
    /// Certificates were issued for the allocation.
    AllocationIssued = "allocation_issued" Conflict,
    /// Too few certificates are cancelled for what an allocation consumed.
    ChargeUncovered = "charge_uncovered" Conflict,
    /// The bundle does not stand for what an allocation consumed.
    BundleNotForCharge = "bundle_not_for_charge" Conflict,
    /// The device is at home in another registry, which meters it and issues for it.
    DeviceImported = "device_imported" Rule,
    /// Rows of an import were refused; `errors` says which and why.
    ImportRefused = "import_refused" Rule,
    /// Certificates of the file were imported before.
    ImportedBefore = "imported_before" Conflict,
    /// The export was refused here.
    ExportRefused = "export_refused" Conflict,
    /// Another export of the same id was imported or refused here.
    ExportIdReused = "export_id_reused" Conflict,
    /// Another registry answers for the certificates, so rows of them are not imported.
    ImportElsewhere = "import_elsewhere" Conflict,
    /// The certificates came by rows, so no signed export of them is imported or refused.
    ImportedByRows = "imported_by_rows" Conflict,
    /// Two rows of an import have a certificate in common.
    ImportOverlap = "import_overlap" Rule,
    /// The bundle to be imported is not Active where it comes from.
    ImportNotActive = "import_not_active" Rule,
    /// The certificates were issued here.
    ImportFromHere = "import_from_here" Rule,
    /// No such export.
    ExportNotFound = "export_not_found" NotFound,
    /// The export was confirmed or taken back before.
    ExportSettled = "export_settled" Conflict,
    /// No such gateway.
    GatewayNotFound = "gateway_not_found" NotFound,
    /// The gateway was revoked.
    GatewayRevoked = "gateway_revoked" Conflict,
    /// No such one-time code.
    GatewayCodeUnknown = "gateway_code_unknown" NotFound,
    /// The one-time code is past its time.
    GatewayCodeExpired = "gateway_code_expired" Conflict,
    /// Another gateway enrolled with the one-time code.
    GatewayCodeUsed = "gateway_code_used" Conflict,
    /// The key is, or was, that of a gateway.
    GatewayKeyTaken = "gateway_key_taken" Conflict,
    /// Who asks does not show to hold the key.
    GatewayProofInvalid = "gateway_proof_invalid" Rule,
    /// The gateway has no such key.
    GatewayKeyUnknown = "gateway_key_unknown" NotFound,
    /// The key was revoked, or another took its place too long ago.
    GatewayKeyRevoked = "gateway_key_revoked" Conflict,
    /// The envelope is not what an envelope has to be.
    EnvelopeMalformed = "envelope_malformed" Rule,
    /// The signature is not the key's over what the envelope says.
    EnvelopeSignatureInvalid = "envelope_signature_invalid" Rule,
    /// What was signed is no envelope of meter readings.
    EnvelopeContextWrong = "envelope_context_wrong" Rule,
    /// Another envelope was accepted under the sequence number.
    EnvelopeReplayed = "envelope_replayed" Conflict,
    /// Envelopes before this one are missing.
    SequenceGap = "sequence_gap" Conflict,
    /// The envelope does not name the one before it.
    EnvelopeChainBroken = "envelope_chain_broken" Conflict,
    /// The envelope was made, or a reading of it ends, in the future.
    ClockInFuture = "clock_in_future" Conflict,
    /// The device is not one that the gateway meters.
    NotTheGatewaysDevice = "not_the_gateways_device" Conflict,
    /// No such user.
    UserNotFound = "user_not_found" NotFound,
    /// Another user has the e-mail address.
    EmailTaken = "email_taken" Rule,
    /// Nobody else administrates the registry.
    LastAdministrator = "last_administrator" Conflict,
    /// The user was removed.
    UserRemoved = "user_removed" Rule,
    /// No such organisation.
    OrganisationNotFound = "organisation_not_found" NotFound,
    /// The organisation is closed.
    OrganisationClosed = "organisation_closed" Rule,
    /// Another organisation has the business id.
    BusinessIdTaken = "business_id_taken" Rule,
    /// The user belongs to an organisation.
    UserInOrganisation = "user_in_organisation" Conflict,
    /// The user does not belong to the organisation.
    UserNotInOrganisation = "user_not_in_organisation" Rule,
    /// Nobody else manages the organisation.
    LastManager = "last_manager" Conflict,
    /// The organisation owns an open account.
    OrganisationHasAccounts = "organisation_has_accounts" Conflict,
    /// The role may do what the inviter may not.
    RoleAboveInviter = "role_above_inviter" Rule,
    /// As many invitations of the organisation wait as there may be.
    TooManyInvitations = "too_many_invitations" Conflict,
    /// No such invitation.
    InvitationUnknown = "invitation_unknown" NotFound,
    /// The invitation is past its time.
    InvitationExpired = "invitation_expired" Conflict,
    /// Somebody joined with the invitation.
    InvitationUsed = "invitation_used" Conflict,
    /// The invitation was taken back.
    InvitationRevoked = "invitation_revoked" Conflict,
    /// Who invited might not invite so any more.
    InvitationVoid = "invitation_void" Conflict,
    /// No such key of the user, or it was revoked.
    ApiKeyNotFound = "api_key_not_found" NotFound,
    /// The user has as many keys as there may be.
    TooManyApiKeys = "too_many_api_keys" Conflict,
    /// The user has a second factor already.
    SecondFactorExists = "second_factor_exists" Conflict,
    /// The user has no second factor.
    SecondFactorMissing = "second_factor_missing" Conflict,
    /// The code of a second factor was used before, or is none of the user's.
    SecondFactorSpent = "second_factor_spent" Conflict,
    /// Another user is linked to the identity.
    IdentityTaken = "identity_taken" Conflict,
    /// No user is linked to such an identity.
    IdentityNotFound = "identity_not_found" NotFound,
    /// The user is linked to as many identities as a user may be.
    TooManyIdentities = "too_many_identities" Conflict,
    /// No such session of the user, or it is over.
    SessionNotFound = "session_not_found" NotFound,
    /// Another request was sent under the idempotency key.
    IdempotencyKeyReused = "idempotency_key_reused" Rule,
    /// A defect in the registry.
    Internal = "internal" Internal,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: the code, the sentence a person reads, and each offending field or row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// Stable code.
    pub code: Code,
    /// What happened, in a sentence.
    pub detail: String,
    /// The fields or rows at fault.
    pub errors: Vec<FieldError>,
    /// The sequence number that is expected of a gateway's device instead.
    pub expected_sequence: Option<i64>,
}

/// One field or row at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where it stands.
    pub place: Place,
    /// Stable code; from [`Code`] or, for text that does not parse, the reader's own.
    pub code: &'static str,
    /// The rule it breaks, in a sentence.
    pub detail: String,
}

/// Where a value at fault stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// JSON pointer (RFC 6901) into the request.
    Pointer(String),
    /// A bundle that the request does not name.
    Bundle(schemas::id::BundleId),
    /// Row of a table, counted from 1 without the header, and its column.
    Cell {
        /// Row.
        row: u32,
        /// Column by its header.
        column: &'static str,
    },
}

impl Refusal {
    /// A refusal that concerns the request as a whole.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            expected_sequence: None,
        }
    }

    /// The same, with the sequence number that is expected instead.
    #[must_use]
    pub const fn expecting(mut self, sequence: i64) -> Self {
        self.expected_sequence = Some(sequence);
        self
    }

    /// The same, naming the field at fault by its JSON pointer.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            place: Place::Pointer(pointer.into()),
            code: self.code.as_str(),
            detail: self.detail.clone(),
        });
        self
    }
}

impl From<NotLoaded> for Refusal {
    fn from(missing: NotLoaded) -> Self {
        Self::new(Code::Internal, missing.to_string())
    }
}
