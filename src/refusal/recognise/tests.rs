use super::*;
use proptest::prelude::*;

#[test]
fn each_phrase_is_in_its_normal_form_and_leads_somewhere() {
    for (said, codes) in phrases() {
        assert_eq!(normal(said), said);
        for code in codes.split(' ') {
            assert!(lesson(code).is_some(), "{said}: no lesson {code}");
        }
        let found = recognise(said).unwrap();
        assert_eq!(found.lessons[0].code, codes.split(' ').next().unwrap(), "{said}");
    }
    for table in [numbers::in_text] {
        for number in 0..=5000 {
            for giver in ["verify error:num=", "curl: (", "alert number ", "close code "] {
                if let Some((_, codes)) = table(&format!("{giver}{number}")) {
                    assert!(codes.split(' ').all(|code| lesson(code).is_some()), "{giver}{number}: {codes}");
                }
            }
        }
    }
}

#[test]
fn each_code_of_ours_leads_to_its_own_lesson() {
    for one in lessons() {
        assert_eq!(recognise(one.code).unwrap().lessons, [one]);
    }
}

#[test]
fn words_are_words_and_not_parts_of_others() {
    assert!(recognise("the presets are unsatisfied").is_none());
    assert!(stands_in("alert: unknown ca, closing", "unknown ca") && !stands_in("unknown cake", "unknown ca"));
}

#[test]
fn a_misspelt_text_is_near_to_what_was_meant() {
    assert!(recognise("unable to get locel isuer certifikate").is_none());
    assert_eq!(nearest("unable to get locel isuer certifikate")[0].1.code, "untrusted-issuer");
    assert_eq!(nearest("wrongname")[0].1.code, "wrong-name");
}

#[test]
fn megabytes_are_looked_at_as_far_as_it_goes() {
    let long = "a ".repeat(4 * 1024 * 1024) + "UnknownIssuer";
    assert!(recognise(&long).is_none() && normal(&long).len() <= TEXT_MAX);
    assert!(recognise(&format!("UnknownIssuer {long}")).is_some());
}

proptest! {
    #[test]
    fn any_text_is_survived(text in ".{0,300}") {
        let _ = recognise(&text);
        prop_assert!(nearest(&text).len() <= NEAREST);
        prop_assert!(!normal(&text).contains(char::is_control));
    }
}
