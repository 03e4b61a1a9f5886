use std::path::Path;

use super::read_file;

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| read_file(path).unwrap_err().message;
    assert!(message(folder.path()).contains("is a folder"));
    assert!(message(&folder.path().join("none.toml")).contains("cannot be opened"));
    let path = folder.path().join("latin.toml");
    std::fs::write(&path, b"a = 1\nb = \"\xe4\"").unwrap();
    assert!(message(&path).contains(":2: is not UTF-8"));
}
