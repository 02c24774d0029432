use super::*;

fn name(text: &str) -> ServerName<'_> {
    ServerName::try_from(text).unwrap()
}

#[test]
fn only_the_labs_own_names_are_left_to_the_labs_authority() {
    for lab in
        ["localhost", "LOCALHOST", "localhost.", "a.localhost", "x.y.localhost", "agent1.test", "test", "127.0.0.1", "127.9.9.9", "::1"]
    {
        assert!(is_lab_name(&name(lab)), "{lab}");
    }
    for other in ["example.com", "localhost.example.com", "notlocalhost", "mytest", "test.com", "10.0.0.1", "128.0.0.1", "::2"] {
        assert!(!is_lab_name(&name(other)), "{other}");
    }
}

#[test]
fn the_web_is_not_an_empty_list() {
    assert!(Trust::web().roots.len() > 100);
    assert!(Trust::web().authorities().is_empty());
}
