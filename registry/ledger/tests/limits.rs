//! Each limit of the rules, at it and one above.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::TimeDelta;
use ledger::account::{MAX_NAME_CHARS, MAX_USERS, MAX_WHITELIST};
use ledger::action::{MAX_NAMED, MAX_PERCENTAGE_SCALE};
use ledger::api_key::{MAX_API_KEY_DAYS, MAX_API_KEYS};
use ledger::command::{Amount, IssueBundle, OpenAccount, RegisterDevice, UpdateWhitelist};
use ledger::device::{MAX_POWER_W, MAX_TEXT_CHARS};
use ledger::reading::{MAX_INDICATOR_CHARS, MAX_ROWS};
use ledger::{Code, Command, Decision, Refusal};
use rust_decimal::Decimal;
use schemas::capability::{Capabilities, Capability};
use schemas::energy::{DeviceType, EnergyCarrier, EnergySource};
use schemas::event::api_key::{ApiKeyIssued, ApiKeyRevoked};
use schemas::event::device::DeviceAttributes;
use schemas::event::identity::UserProfile;
use schemas::event::issuance::IssuanceMetadata;
use schemas::id::{AccountId, CertificateId, DeviceId, MAX_CERTIFICATE_ID, MetadataId, UserId};
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode, Role};
use schemas::{WattHours, Watts};
use uuid::Uuid;
use world::{World, act, at, attributes, code, hours, metadata, readings};

fn text(chars: usize) -> String {
    // Characters are counted, not bytes.
    "é".repeat(chars)
}

fn open(world: &mut World, name: &str, users: usize) -> Result<Decision, Refusal> {
    world.run(Command::OpenAccount(OpenAccount {
        account_name: name.to_owned(),
        user_ids: (1..).take(users).map(UserId).collect(),
        is_requested: false,
        organisation_id: None,
    }))
}

fn register(
    world: &mut World,
    change: impl FnOnce(&mut DeviceAttributes),
) -> Result<Decision, Refusal> {
    let mut attributes = attributes();
    change(&mut attributes);
    world.run(Command::RegisterDevice(RegisterDevice {
        account_id: AccountId(1),
        attributes,
    }))
}

fn by_hand(change: impl FnOnce(&mut IssueBundle)) -> Command {
    let mut issue = IssueBundle {
        device_id: DeviceId(1),
        account_id: AccountId(1),
        metadata_id: MetadataId(1),
        start: None,
        end: None,
        quantity: WattHours(10),
        production_start: at("2024-01-01T00:00:00Z"),
        production_end: at("2024-01-01T01:00:00Z"),
        energy_source: EnergySource::Wind,
        energy_carrier: EnergyCarrier::Electricity,
        issuance_post_energy_carrier_conversion: false,
        expiry: None,
        emissions_factor_production_device: None,
        emissions_factor_source: None,
    };
    change(&mut issue);
    Command::IssueBundle(Box::new(issue))
}

#[test]
fn an_account_has_a_name_of_1_to_200_characters() {
    let mut world = World::with_accounts();
    open(&mut world, &text(MAX_NAME_CHARS), 1).unwrap();
    for wrong in [text(MAX_NAME_CHARS + 1), String::new(), " ".to_owned()] {
        assert_eq!(code(open(&mut world, &wrong, 1)), Code::ValueOutOfRange);
    }
}

#[test]
fn an_account_has_1_to_1_000_users() {
    let mut world = World::with_accounts();
    open(&mut world, "most", MAX_USERS).unwrap();
    assert_eq!(
        code(open(&mut world, "more", MAX_USERS + 1)),
        Code::ListTooLong
    );
    assert_eq!(code(open(&mut world, "none", 0)), Code::AccountWithoutUsers);
}

#[test]
fn a_whitelist_holds_10_000_accounts() {
    let mut world = World::with_accounts();
    let most = i64::try_from(MAX_WHITELIST).unwrap();
    for number in 0..=most {
        open(&mut world, &format!("Account {number}"), 1).unwrap();
    }
    let mut add = |accounts: std::ops::Range<i64>| {
        world.run(Command::UpdateWhitelist(UpdateWhitelist {
            account_id: AccountId(1),
            add: accounts.map(AccountId).collect(),
            remove: vec![AccountId(3)],
        }))
    };
    // The first three are those of the world.
    assert_eq!(code(add(4..4 + most + 1)), Code::ListTooLong);
    add(4..4 + most).unwrap();
}

#[test]
fn a_text_of_a_device_has_500_characters() {
    let mut world = World::with_accounts();
    let fields: [fn(&mut DeviceAttributes, String); 5] = [
        |device, text| device.device_name = text,
        |device, text| device.grid = text,
        |device, text| device.location = text,
        |device, text| device.local_device_identifier = Some(text),
        |device, text| device.device_unique_id = Some(text),
    ];
    for set in fields {
        register(&mut world, |device| set(device, text(MAX_TEXT_CHARS))).unwrap();
        let more = register(&mut world, |device| set(device, text(MAX_TEXT_CHARS + 1)));
        assert_eq!(code(more), Code::ValueOutOfRange);
    }
}

#[test]
fn a_device_has_0_to_a_million_megawatts() {
    let mut world = World::with_accounts();
    for (watts, fits) in [
        (0, true),
        (MAX_POWER_W, true),
        (MAX_POWER_W + 1, false),
        (-1, false),
    ] {
        let capacity = register(&mut world, |device| device.capacity_w = Watts(watts));
        assert_eq!(capacity.is_ok(), fits, "{watts}");
        let demand = register(&mut world, |device| device.peak_demand_w = Watts(watts));
        assert_eq!(demand.is_ok(), fits, "{watts}");
    }
}

#[test]
fn a_text_of_issuance_metadata_has_500_characters() {
    let mut world = World::empty();
    let fields: [fn(&mut IssuanceMetadata, String); 9] = [
        |metadata, text| metadata.country_of_issuance = text,
        |metadata, text| metadata.connected_grid_identification = text,
        |metadata, text| metadata.issuing_body = text,
        |metadata, text| metadata.issue_market_zone = text,
        |metadata, text| metadata.legal_status = Some(text),
        |metadata, text| metadata.issuance_purpose = Some(text),
        |metadata, text| metadata.support_received = Some(text),
        |metadata, text| metadata.quality_scheme_reference = Some(text),
        |metadata, text| metadata.dissemination_level = Some(text),
    ];
    for set in fields {
        for (chars, fits) in [(MAX_TEXT_CHARS, true), (MAX_TEXT_CHARS + 1, false)] {
            let mut metadata = metadata();
            set(&mut metadata, text(chars));
            let recorded = world.run(Command::RecordIssuanceMetadata(Box::new(metadata)));
            assert_eq!(recorded.is_ok(), fits, "{chars}");
        }
    }
}

#[test]
fn the_registry_configuration_is_1_2_or_3() {
    let mut world = World::empty();
    for (number, fits) in [(0, false), (1, true), (3, true), (4, false)] {
        let mut metadata = metadata();
        metadata.registry_configuration = number;
        let recorded = world.run(Command::RecordIssuanceMetadata(Box::new(metadata)));
        assert_eq!(recorded.is_ok(), fits, "{number}");
    }
}

#[test]
fn an_indicator_of_a_reading_has_20_characters() {
    let mut world = World::with_accounts();
    for (chars, fits) in [
        (MAX_INDICATOR_CHARS, true),
        (MAX_INDICATOR_CHARS + 1, false),
    ] {
        let mut rows = hours(0, &[10]);
        rows[0].gross_net_indicator = text(chars);
        assert_eq!(world.run(readings(1, rows)).is_ok(), fits, "{chars}");
    }
}

#[test]
fn a_submission_has_1_to_50_000_rows() {
    let mut world = World::with_accounts();
    let row = hours(0, &[10]).remove(0);
    let rows = |count| vec![row.clone(); count];
    world.run(readings(1, rows(MAX_ROWS))).unwrap();
    assert_eq!(
        code(world.run(readings(1, rows(MAX_ROWS + 1)))),
        Code::ListTooLong
    );
    assert_eq!(code(world.run(readings(1, rows(0)))), Code::ListEmpty);
}

#[test]
fn a_text_of_an_action_has_500_characters() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[10, 20]))).unwrap();
    for (chars, fits) in [(MAX_TEXT_CHARS + 1, false), (MAX_TEXT_CHARS, true)] {
        let mut cancel = act(ActionType::Cancel, 1, &[1]);
        cancel.beneficiary = Some(text(chars));
        assert_eq!(
            world.run(Command::ActOnBundles(cancel)).is_ok(),
            fits,
            "{chars}"
        );
        let mut lock = act(ActionType::Lock, 1, &[2]);
        lock.reason = Some(text(chars));
        assert_eq!(
            world.run(Command::ActOnBundles(lock)).is_ok(),
            fits,
            "{chars}"
        );
    }
}

#[test]
fn a_share_has_18_decimal_places() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[10]))).unwrap();
    let mut cancel = |scale| {
        let mut cancel = act(ActionType::Cancel, 1, &[1]);
        // 0.50…01: half of it, with so many places.
        let share = Decimal::new(5, 1) + Decimal::new(1, scale);
        cancel.amount = Amount::Percentage(share, QuantityMode::PerBundle);
        world.run(Command::ActOnBundles(cancel))
    };
    assert_eq!(
        code(cancel(MAX_PERCENTAGE_SCALE + 1)),
        Code::ValueOutOfRange
    );
    cancel(MAX_PERCENTAGE_SCALE).unwrap();
}

#[test]
fn a_refusal_names_100_bundles_and_counts_the_rest() {
    let mut world = World::with_accounts();
    for count in [MAX_NAMED, MAX_NAMED + 1] {
        let unknown: Vec<i64> = (1..).take(count).collect();
        let refusal = world
            .run(Command::ActOnBundles(act(ActionType::Cancel, 1, &unknown)))
            .unwrap_err();
        assert_eq!(refusal.errors.len(), MAX_NAMED);
        assert!(refusal.detail.contains(&count.to_string()), "{refusal}");
    }
}

#[test]
fn serials_end_below_2_to_the_53rd_and_then_are_exhausted() {
    let mut world = World::with_accounts();
    let from = |start| by_hand(|issue| issue.start = Some(CertificateId(start)));
    let last = MAX_CERTIFICATE_ID - 10;
    assert_eq!(code(world.run(from(last + 1))), Code::SerialsExhausted);
    world.run(from(last)).unwrap();
    assert_eq!(world.bundle(1).end, CertificateId(MAX_CERTIFICATE_ID - 1));
    assert_eq!(
        code(world.run(readings(1, hours(1, &[1])))),
        Code::SerialsExhausted
    );
    world.audit();
}

#[test]
fn a_source_of_an_emissions_factor_has_500_characters() {
    let mut world = World::with_accounts();
    for (chars, fits) in [(MAX_TEXT_CHARS + 1, false), (MAX_TEXT_CHARS, true)] {
        let issue = by_hand(|issue| issue.emissions_factor_source = Some(text(chars)));
        assert_eq!(world.run(issue).is_ok(), fits, "{chars}");
    }
}

#[test]
fn a_device_that_does_not_produce_is_not_certified() {
    let mut world = World::with_accounts();
    register(&mut world, |device| {
        device.device_type = DeviceType::Consumption
    })
    .unwrap();
    register(&mut world, |device| device.is_storage = true).unwrap();
    // The first two are those of the world.
    for device in [3, 4] {
        let issue = by_hand(|issue| issue.device_id = DeviceId(device));
        assert_eq!(code(world.run(issue)), Code::DeviceNotCertified);
    }
}

#[test]
fn a_bundle_is_not_expired_a_second_before_its_expiry() {
    let mut world = World::with_accounts();
    let expiry = at("2025-06-01T12:00:01Z");
    world
        .run(by_hand(|issue| issue.expiry = Some(expiry)))
        .unwrap();
    let expire = || Command::ActOnBundles(act(ActionType::Expire, 1, &[1]));
    // The registry's own round lists what may be due, and leaves out what is not.
    assert!(world.run(expire()).unwrap().events.is_empty());
    world.now = expiry;
    world.run(expire()).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Expired);
}

#[test]
fn a_user_that_was_removed_is_not_removed_again() {
    let mut world = World::with_accounts();
    let profile = UserProfile {
        name: "Ada".into(),
        email: "ada@example.org".into(),
        role: Role::Trading,
        organisation: None,
        password_hash: None,
    };
    world.run(Command::RegisterUser(profile)).unwrap();
    world.run(Command::RemoveUser(UserId(1))).unwrap();
    assert_eq!(
        code(world.run(Command::RemoveUser(UserId(1)))),
        Code::UserRemoved
    );
    assert_eq!(
        code(world.run(Command::RemoveUser(UserId(2)))),
        Code::UserNotFound
    );
}

#[test]
fn a_user_has_100_api_keys_and_not_one_more_until_one_is_revoked() {
    let mut world = World::with_accounts();
    let profile = UserProfile {
        name: "Ada".into(),
        email: "ada@example.org".into(),
        role: Role::Trading,
        organisation: None,
        password_hash: None,
    };
    world.run(Command::RegisterUser(profile)).unwrap();
    let now = world.now;
    let key = |number: usize, days: i64| {
        Command::IssueApiKey(Box::new(ApiKeyIssued {
            key_id: Uuid::from_u128(number as u128),
            user_id: UserId(1),
            name: "nightly upload".into(),
            prefix: "gcr_00112233".into(),
            digest: [0; 32],
            capabilities: Capabilities::of(&[Capability::Read]),
            accounts: None,
            expires_at: now + TimeDelta::days(days),
        }))
    };
    for (days, is_taken) in [
        (0, false),
        (MAX_API_KEY_DAYS + 1, false),
        (MAX_API_KEY_DAYS, true),
    ] {
        assert_eq!(world.run(key(0, days)).is_ok(), is_taken, "{days} days");
    }
    for number in 1..MAX_API_KEYS {
        world.run(key(number, 1)).unwrap();
    }
    let one_more = world.run(key(MAX_API_KEYS, 1));
    assert_eq!(code(one_more), Code::TooManyApiKeys);
    let revoke = || {
        Command::RevokeApiKey(ApiKeyRevoked {
            key_id: Uuid::nil(),
            user_id: UserId(1),
        })
    };
    world.run(revoke()).unwrap();
    assert_eq!(code(world.run(revoke())), Code::ApiKeyNotFound);
    world.run(key(MAX_API_KEYS, 1)).unwrap();
}
