//! Random commands about organisations.

use super::random::Random;
use super::world::{first_day, profile};
use chrono::TimeDelta;
use ledger::Command;
use ledger::command::{
    AcceptInvitation, AssignAccount, ChangeManager, Guest, IssueInvitation, LeaveOrganisation,
    RevokeInvitation, UpdateOrganisation,
};
use schemas::event::organisation::{OrganisationChanges, OrganisationDetails};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use uuid::Uuid;

/// Organisations there may be, and invitations.
const ORGANISATIONS: i64 = 4;
const CODES: i64 = 40;

fn some(random: &mut Random) -> OrganisationId {
    OrganisationId(1 + random.below(ORGANISATIONS))
}

fn code(random: &mut Random) -> Uuid {
    Uuid::from_u128(u128::from(random.below(CODES).unsigned_abs()))
}

pub fn organisation(random: &mut Random) -> Command {
    match random.below(10) {
        0 => Command::FoundOrganisation(Box::new(OrganisationDetails {
            name: format!("Organisation \"{}\"", random.below(100)),
            business_id: format!("GB-{}", random.below(20)),
            address: "1 Hill Lane".into(),
            contact: "\u{e9}".into(),
        })),
        1 => Command::UpdateOrganisation(Box::new(UpdateOrganisation {
            organisation_id: some(random),
            changes: OrganisationChanges {
                business_id: random.one_in(2).then(|| format!("GB-{}", random.below(20))),
                contact: Some("changed".into()),
                ..OrganisationChanges::default()
            },
        })),
        2 if random.one_in(4) => Command::CloseOrganisation(some(random)),
        2 if random.one_in(8) => Command::CloseOwner(some(random)),
        2 | 3 => Command::AssignAccount(AssignAccount {
            account_id: AccountId(1 + random.below(4)),
            organisation_id: (!random.one_in(4)).then(|| some(random)),
        }),
        4 if random.one_in(2) => Command::ChangeManager(ChangeManager {
            organisation_id: some(random),
            user_id: UserId(1 + random.below(15)),
            manages: random.one_in(2),
        }),
        4 => Command::LeaveOrganisation(LeaveOrganisation {
            organisation_id: some(random),
            user_id: UserId(1 + random.below(10)),
        }),
        5 => Command::RevokeInvitation(RevokeInvitation { code: code(random) }),
        6 | 7 => Command::AcceptInvitation(Box::new(AcceptInvitation {
            code: code(random),
            guest: if random.one_in(2) {
                Guest::Known(UserId(1 + random.below(10)))
            } else {
                Guest::New(profile(2_000 + random.below(1_000), Role::Audit))
            },
        })),
        _ => {
            let code = code(random);
            Command::IssueInvitation(Box::new(IssueInvitation {
                organisation_id: some(random),
                invitation_id: Uuid::from_u128(code.as_u128() + 1_000),
                code,
                role: Role::Production,
                manages: random.one_in(2),
                account_ids: vec![AccountId(1)],
                inviter_id: UserId(1 + random.below(15)),
                expires_at: first_day() + TimeDelta::days(36_500),
            }))
        }
    }
}
