//! What README says about the life cycle is what the table says.

#[test]
fn readme_prints_the_state_machine_table() {
    let readme = include_str!("../../../README.md");
    let table = ledger::state_machine::markdown();
    assert!(
        readme.contains(&table),
        "README.md must contain this table:\n{table}"
    );
}

#[test]
fn readme_prints_the_states_of_an_account() {
    let readme = include_str!("../../../README.md");
    let table = ledger::standing::markdown();
    assert!(
        readme.contains(&table),
        "README.md must contain this table:\n{table}"
    );
}
