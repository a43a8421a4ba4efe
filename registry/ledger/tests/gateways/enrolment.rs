//! Codes, and the devices of a gateway.

use super::*;

#[test]
fn a_code_enrols_one_gateway_before_it_expires() {
    let mut world = World::with_accounts();
    assert_eq!(code(world.run(enrol("ONE", 1))), Code::GatewayCodeUnknown);
    world
        .run(Command::IssueGatewayCode(issue_code("ONE", &[1])))
        .unwrap();
    let issued_at = world.now;
    world.now = issued_at + TimeDelta::seconds(3_600);
    assert_eq!(code(world.run(enrol("ONE", 1))), Code::GatewayCodeExpired);
    world.now -= TimeDelta::microseconds(1);
    world.run(enrol("ONE", 1)).unwrap();
    assert!(
        world.run(enrol("ONE", 1)).unwrap().events.is_empty(),
        "its answer was lost"
    );
    assert_eq!(code(world.run(enrol("ONE", 2))), Code::GatewayCodeUsed);
    world
        .run(Command::IssueGatewayCode(issue_code("TWO", &[1])))
        .unwrap();
    assert_eq!(code(world.run(enrol("TWO", 1))), Code::GatewayKeyTaken);
}

#[test]
fn a_code_is_for_devices_of_its_account_and_for_a_while() {
    let mut world = World::with_accounts();
    let mut refuse = |change: fn(&mut IssueGatewayCode)| {
        let mut issue = issue_code("ONE", &[1]);
        change(&mut issue);
        code(world.run(Command::IssueGatewayCode(issue)))
    };
    assert_eq!(refuse(|issue| issue.device_ids.clear()), Code::ListEmpty);
    assert_eq!(
        refuse(|issue| issue.device_ids.push(DeviceId(2))),
        Code::DeviceNotFound
    );
    assert_eq!(
        refuse(|issue| issue.device_ids.push(DeviceId(1))),
        Code::ValueOutOfRange
    );
    assert_eq!(refuse(|issue| issue.valid_for_s = 0), Code::ValueOutOfRange);
    assert_eq!(
        refuse(|issue| issue.valid_for_s = MAX_CODE_VALID_S + 1),
        Code::ValueOutOfRange
    );
    let mut longest = issue_code("ONE", &[1]);
    longest.valid_for_s = MAX_CODE_VALID_S;
    world.run(Command::IssueGatewayCode(longest)).unwrap();
}

#[test]
fn devices_are_added_to_and_removed_from_a_gateway() {
    let mut world = enrolled();
    let change = |add: &[i64], remove: &[i64]| {
        Command::ChangeGatewayDevices(ChangeGatewayDevices {
            gateway_id: GatewayId(1),
            add: add.iter().copied().map(DeviceId).collect(),
            remove: remove.iter().copied().map(DeviceId).collect(),
        })
    };
    assert!(world.run(change(&[1], &[])).unwrap().events.is_empty());
    assert_eq!(code(world.run(change(&[2], &[]))), Code::DeviceNotFound);
    assert_eq!(
        code(world.run(change(&[], &[2]))),
        Code::NotTheGatewaysDevice
    );
    assert_eq!(code(world.run(change(&[1], &[1]))), Code::ValueOutOfRange);
    let first = envelope(1, None, vec![reading(0, 10)]);
    submit(&mut world, &first).unwrap();
    world.run(change(&[], &[1])).unwrap();
    let second = envelope(2, Some(&first), vec![reading(1, 10)]);
    assert_eq!(refusal(&mut world, &second).0, Code::NotTheGatewaysDevice);
    world.run(change(&[1], &[])).unwrap();
    submit(&mut world, &second).unwrap();
    world.audit();
}
