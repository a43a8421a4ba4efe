//! Capabilities as types: `Caller<may::Trade>` is a caller who may trade.

use schemas::capability::Capability;

/// What an operation needs of its caller.
pub trait May: 'static {
    /// The capability.
    const CAPABILITY: Capability;
}

macro_rules! may {
    ($($name:ident),+ $(,)?) => {$(
        #[doc = concat!("See [`Capability::", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl May for $name {
            const CAPABILITY: Capability = Capability::$name;
        }
    )+};
}

may! {
    Read, ManageSelf, Audit, ManageAccounts, Trade, SettleExports, OpenAccounts, ManageDevices,
    SubmitReadings, CorrectReadings, RequestIssuance, Import, ValidateStorage, Issue, Withdraw, Lock,
    SuperviseAccounts, ManageOrganisations, ManageUsers, Operate,
}
