//! What somebody may do: each operation names one capability, each role has a set of them.

use crate::life_cycle::Role;
use crate::words;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

words! {
    /// What an operation needs of its caller.
    Capability {
        /// Read what belongs to one's accounts.
        Read = "read",
        /// Look after one's own user: profile, password, sessions, keys.
        ManageSelf = "manage_self",
        /// Read who did and tried what.
        Audit = "audit",
        /// Change one's accounts, their members and whitelists, and close them.
        ManageAccounts = "manage_accounts",
        /// Transfer, cancel, claim, reserve, release and offer certificates, once or by a rule.
        Trade = "trade",
        /// Confirm exports and take them back.
        SettleExports = "settle_exports",
        /// Open accounts.
        OpenAccounts = "open_accounts",
        /// Keep devices, their meters and gateways.
        ManageDevices = "manage_devices",
        /// Submit readings and storage records.
        SubmitReadings = "submit_readings",
        /// Correct accepted readings.
        CorrectReadings = "correct_readings",
        /// Have certificates issued for accepted readings and for what storage released.
        RequestIssuance = "request_issuance",
        /// Bring signed exports of other registries in.
        Import = "import",
        /// Fix efficiencies of storage and allocate its discharges.
        ValidateStorage = "validate_storage",
        /// Issue by hand, on the issuing body's word.
        Issue = "issue",
        /// Take certificates back.
        Withdraw = "withdraw",
        /// Freeze certificates.
        Lock = "lock",
        /// Approve, suspend and close accounts.
        SuperviseAccounts = "supervise_accounts",
        /// Keep organisations and invite into them.
        ManageOrganisations = "manage_organisations",
        /// Keep users.
        ManageUsers = "manage_users",
        /// See every account, not only one's own.
        Oversee = "oversee",
        /// Run the registry's processes.
        Operate = "operate",
    }
}

impl Capability {
    const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The first role that has it as they rise in the contract. A storage validator stands beside those,
    /// and comes before the administrator.
    #[must_use]
    pub fn lowest_role(self) -> Role {
        const RISING: [Role; 4] = [
            Role::Audit,
            Role::Trading,
            Role::Production,
            Role::StorageValidator,
        ];
        let has = |role: &Role| role.capabilities(Duties::Together).has(self);
        RISING.into_iter().find(has).unwrap_or(Role::Admin)
    }
}

/// Whether the issuing body may also take part in the market it supervises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duties {
    /// It may not: who issues and withdraws neither trades nor meters.
    Separated,
    /// It may, as in the contract, whose administrator has every right of the others.
    Together,
}

/// A set of capabilities; on the wire a list of their words, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capabilities(u32);

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);

    /// These.
    #[must_use]
    pub const fn of(list: &[Capability]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < list.len() {
            bits |= list[index].bit();
            index += 1;
        }
        Self(bits)
    }

    /// Whether it is among them.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is nothing in it that is not in `other`.
    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        self.without(other).0 == 0
    }

    /// Each of them, in their order.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        let all = Capability::ALL.iter().copied();
        all.filter(move |capability| self.has(*capability))
    }
}

/// Their words with a space between, as a `scope` of OAuth has them (RFC 6749, section 3.3).
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, capability) in self.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{capability}")?;
        }
        Ok(())
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(list: I) -> Self {
        list.into_iter().fold(Self::NONE, |set, capability| {
            set.or(Self::of(&[capability]))
        })
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Capability>::deserialize(deserializer).map(Self::from_iter)
    }
}

use Capability as May;

const AUDITOR: Capabilities = Capabilities::of(&[May::Read, May::ManageSelf, May::Audit]);
const STORAGE_VALIDATOR: Capabilities =
    Capabilities::of(&[May::Read, May::ManageSelf, May::ValidateStorage]);
const TRADER: Capabilities = AUDITOR.or(Capabilities::of(&[
    May::ManageAccounts,
    May::Trade,
    May::SettleExports,
]));
const PRODUCER: Capabilities = TRADER.or(Capabilities::of(&[
    May::OpenAccounts,
    May::ManageDevices,
    May::SubmitReadings,
    May::CorrectReadings,
    May::RequestIssuance,
    May::Import,
]));
const ADMINISTRATOR: Capabilities = PRODUCER.or(Capabilities::of(&[
    May::ValidateStorage,
    May::Issue,
    May::Withdraw,
    May::Lock,
    May::SuperviseAccounts,
    May::ManageOrganisations,
    May::ManageUsers,
    May::Oversee,
    May::Operate,
]));
/// What the issuing body does without where duties are separated: to act in the market it supervises.
const OF_THE_MARKET: Capabilities = Capabilities::of(&[May::Trade, May::SubmitReadings]);

impl Role {
    /// What the role may do: the one table of it.
    #[must_use]
    pub const fn capabilities(self, duties: Duties) -> Capabilities {
        match (self, duties) {
            (Self::StorageValidator, _) => STORAGE_VALIDATOR,
            (Self::Audit, _) => AUDITOR,
            (Self::Trading, _) => TRADER,
            (Self::Production, _) => PRODUCER,
            (Self::Admin, Duties::Together) => ADMINISTRATOR,
            (Self::Admin, Duties::Separated) => ADMINISTRATOR.without(OF_THE_MARKET),
        }
    }
}

/// The table as Markdown, as README prints it.
#[must_use]
pub fn markdown() -> String {
    let mut roles = Role::ALL;
    roles.reverse();
    let mut text = String::from("| capability |");
    for role in roles {
        text.push_str(&format!(" `{role}` {} |", role.number()));
    }
    text.push_str("\n|---|---|---|---|---|---|\n");
    for capability in Capability::ALL {
        text.push_str(&format!("| `{capability}` |"));
        for role in roles {
            let has = |duties| role.capabilities(duties).has(*capability);
            text.push_str(match (has(Duties::Separated), has(Duties::Together)) {
                (true, _) => " yes |",
                (false, true) => " `dev` |",
                (false, false) => "  |",
            });
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_set_is_a_list_of_words_on_the_wire() {
        let set = Capabilities::of(&[May::Trade, May::Read]);
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(text, r#"["read","trade"]"#);
        assert_eq!(serde_json::from_str::<Capabilities>(&text).unwrap(), set);
        assert!(serde_json::from_str::<Capabilities>(r#"["steal"]"#).is_err());
        assert_eq!(set.to_string(), "read trade");
    }

    #[test]
    fn every_capability_is_a_bit_of_its_own_and_somebodys() {
        let mut seen = Capabilities::NONE;
        for capability in Capability::ALL {
            let one = Capabilities::of(&[*capability]);
            assert_eq!(seen.and(one), Capabilities::NONE, "{capability}");
            seen = seen.or(one);
            assert!(
                Role::ALL
                    .iter()
                    .any(|role| role.capabilities(Duties::Together).has(*capability)),
                "nobody may {capability}"
            );
        }
        assert_eq!(seen.iter().count(), Capability::ALL.len());
    }

    #[test]
    fn who_issues_and_withdraws_neither_trades_nor_meters_where_duties_are_separated() {
        let issuing_body = Role::Admin.capabilities(Duties::Separated);
        for own in [May::Issue, May::Withdraw, May::Lock, May::ManageUsers] {
            assert!(issuing_body.has(own), "{own}");
        }
        for of_the_market in [May::Trade, May::SubmitReadings] {
            assert!(!issuing_body.has(of_the_market), "{of_the_market}");
            let contract = Role::Admin.capabilities(Duties::Together);
            assert!(contract.has(of_the_market), "{of_the_market}");
        }
    }

    #[test]
    fn roles_rise_as_in_the_contract_and_a_storage_validator_stands_beside_them() {
        let of = |role: Role| role.capabilities(Duties::Together);
        let ladder = [Role::Audit, Role::Trading, Role::Production, Role::Admin];
        for pair in ladder.windows(2) {
            assert!(of(pair[0]).is_within(of(pair[1])), "{pair:?}");
        }
        let beside = of(Role::StorageValidator).without(of(Role::Audit));
        assert_eq!(beside, Capabilities::of(&[May::ValidateStorage]));
        assert!(of(Role::StorageValidator).is_within(of(Role::Admin)));
        let lowest = [
            May::Read,
            May::Trade,
            May::Import,
            May::ValidateStorage,
            May::Issue,
        ];
        assert_eq!(
            lowest.map(Capability::lowest_role),
            [
                Role::Audit,
                Role::Trading,
                Role::Production,
                Role::StorageValidator,
                Role::Admin
            ]
        );
    }
}
