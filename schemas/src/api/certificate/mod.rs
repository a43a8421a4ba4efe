//! Certificate bundles, actions on them and issuance metadata on the wire.

mod action;
mod action_request;
mod bundle;
mod bundle_full;
mod exchange;
mod issue;
mod lineage;
mod metadata;
mod query;
mod recurring;
mod recurring_request;

pub use action::{Action, ActionExport, ActionPart, ActionQuery, ActionSummary, Remainder};
pub use action_request::{
    ActionRequest, Asked, CancelForStorageRequest, CancelRequest, ClaimRequest, ExportRequest,
    LockRequest, ReleaseRequest, ReserveRequest, TransferRequest, UnlockRequest, WithdrawRequest,
};
pub use bundle::{Bundle, BundlePage};
pub use bundle_full::BundleFull;
pub use exchange::{
    BundleOrigin, BundlesImported, ConfirmExport, ExportRead, ImportDeviceJson, ImportFields,
    ImportUpload, ReceiptQuery, RegistryKey, RegistryKeys, TakeBackExport, TemplateFormat,
    TemplateQuery,
};
pub use issue::NewBundle;
pub use lineage::{
    Lineage, LineageAction, LineageBundle, LineageEntry, LineageEnvelope, LineageEvent,
    LineageFormat, LineageIssuance, LineageLeaf, LineagePart, LineageQuery, LineageReading,
    LineageSplit,
};
pub use metadata::{Metadata, NewMetadata};
pub use query::{BundleQuery, BundleQueryAnswer, BundleQueryFullAnswer, SortOrder};
pub use recurring::{
    RecurringRule, RecurringRuleQuery, RecurringRuleWithRuns, RecurringRun, RuleProgress,
};
pub use recurring_request::{
    RecurringAsked, RecurringCancelRequest, RecurringRequest, RecurringTransferRequest,
};
