use super::*;

#[test]
fn a_folder_of_ones_own_adds_and_replaces_profiles() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    let sma = GOOD
        .replace("\"good\"", "\"sma\"")
        .replace("version = 1", "version = 7");
    std::fs::write(folder.path().join("sma.toml"), sma).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "not a profile").unwrap();
    let library = Library::embedded()
        .unwrap()
        .with_folder(folder.path())
        .unwrap();
    assert_eq!(library.get("sma").unwrap().version, 7);
    assert_eq!(library.get("good").unwrap().maker, "Maker");
    assert!(library.get("solax").is_some());

    std::fs::write(folder.path().join("worse.toml"), "").unwrap();
    std::fs::write(folder.path().join("worst.toml"), "=").unwrap();
    let errors = Library::default().with_folder(folder.path()).unwrap_err();
    let files: Vec<_> = errors.0.iter().map(|error| error.file.clone()).collect();
    assert!(files.iter().any(|file| file.ends_with("worse.toml")));
    assert!(files.iter().any(|file| file.ends_with("worst.toml")));
}
