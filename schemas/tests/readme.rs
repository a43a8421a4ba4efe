//! What README says about roles is what the table of capabilities says.

#[test]
fn readme_prints_the_table_of_capabilities() {
    let readme = include_str!("../../README.md");
    let table = schemas::capability::markdown();
    assert!(
        readme.contains(&table),
        "README.md must contain this table:\n{table}"
    );
}
