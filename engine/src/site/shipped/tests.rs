use std::path::Path;

use crate::site::compiled::Site;

#[test]
fn every_shipped_site_file_loads_without_a_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sites");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        match Site::load_with_warnings(&text, &name) {
            Ok((_, warnings)) => assert_eq!(warnings, [], "{name}"),
            Err(errors) => panic!("{errors}"),
        }
        names.push(name);
    }
    for (name, text) in super::SHIPPED {
        assert!(names.iter().any(|other| other == name), "{name}");
        assert!(Site::load(text, name).is_ok());
    }
}
