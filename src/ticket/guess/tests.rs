#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use std::net::Ipv4Addr;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));

fn stranger(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0A00_0000 + number))
}

/// Where the owner has never been before.
const ABROAD: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const MINUTE: Duration = Duration::from_secs(60);

/// Guesses until there is no try left; gives how many there were.
fn guess(guesses: &Guesses, name: &str, address: IpAddr, now: Instant) -> usize {
    (0..10_000).take_while(|_| guesses.pay(name, address, now).is_ok()).count()
}

#[test]
fn an_address_has_a_few_tries_at_an_account_and_then_one_every_interval() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    assert_eq!(guess(&guesses, "alice", HOME, now), 3 + 5);
    assert_eq!(guesses.wait("alice", HOME, now), Some(Duration::from_secs(30)));
    assert_eq!(guesses.pay("alice", HOME, now + Duration::from_secs(29)).unwrap_err(), Duration::from_secs(1));
    assert_eq!(guesses.wait("bob", HOME, now), None);
    assert_eq!(guess(&guesses, "alice", HOME, now + Duration::from_secs(30)), 1);
    assert_eq!(guess(&guesses, "alice", HOME, now + 10 * 60 * MINUTE), 3 + 5);
}

#[test]
fn all_addresses_together_have_so_many_tries_at_an_account_a_day() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    let all = |at: Instant, first: u32| (0..400).map(|number| guess(&guesses, "alice", stranger(first + number), at)).sum::<usize>();
    assert_eq!(all(now, 0), 300 + 5, "at once");
    let day: usize = (1..=24 * 60).map(|minute| all(now + minute * MINUTE, minute * 400)).sum();
    assert_eq!(day, 8_640 + 2_880, "and never from an address that was there before");
}

#[test]
fn while_strangers_guess_the_owner_signs_in_from_an_address_where_they_have_never_been() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    for minute in 0..180 {
        let now = now + minute * MINUTE;
        for number in 0..90 {
            guess(&guesses, "alice", stranger(number), now);
        }
        assert!(guesses.wait("alice", stranger(0), now).is_some(), "a guesser waits, minute {minute}");
        assert_eq!(guesses.wait("alice", ABROAD, now), None, "minute {minute}");
    }
}

#[test]
fn refused_tries_do_not_make_the_wait_longer() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    guess(&guesses, "alice", HOME, now);
    for _ in 0..1000 {
        assert_eq!(guesses.pay("alice", HOME, now).unwrap_err(), Duration::from_secs(30));
    }
}

#[test]
fn an_address_has_its_tries_for_all_accounts_together() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    let tries = (0..10_000).take_while(|number| guesses.pay(&format!("name-{number}"), HOME, now).is_ok()).count();
    assert_eq!(tries, 50);
    assert!(guesses.pay("name-0", stranger(1), now).is_ok());
    // IPv6: the network pays, whichever of its addresses is used.
    let tries =
        (0..10_000).take_while(|n| guesses.pay(&format!("six-{n}"), Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 0, 0, 0, *n).into(), now).is_ok());
    assert_eq!(tries.count(), 50);
}

#[test]
fn a_right_password_costs_no_try() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    for _ in 0..1000 {
        guesses.give_back(guesses.pay("alice", HOME, now).unwrap());
        guesses.know("alice", HOME, now);
    }
    assert_eq!(guess(&guesses, "alice", HOME, now), 5);
}

#[test]
fn an_owner_who_signs_in_many_times_at_once_owes_nothing_in_the_end() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    let paid: Vec<_> = (0..4).map(|_| guesses.pay("alice", HOME, now).unwrap()).collect();
    for paid in paid {
        guesses.give_back(paid); // the first is when the address becomes known
        guesses.know("alice", HOME, now);
    }
    assert_eq!(guess(&guesses, "alice", HOME, now), 5);
    assert_eq!(guess(&guesses, "alice", stranger(1), now), 3 + 5);
}

#[test]
fn strangers_who_guess_do_not_lock_the_owner_out_of_where_they_were_before() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    guesses.know("alice", HOME, now);
    for number in 0..1000 {
        let _ = guesses.pay("alice", stranger(number), now);
    }
    assert!(guesses.wait("alice", stranger(0), now).is_some());
    assert_eq!(guesses.wait("alice", HOME, now), None);
    assert_eq!(guess(&guesses, "alice", HOME, now), 5);
}

#[test]
fn new_accounts_are_counted_per_address() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    let made = (0..10_000).take_while(|_| guesses.pay_for_account(HOME, now).is_ok()).count();
    assert_eq!(made, 60);
    assert!(guesses.pay_for_account(stranger(1), now).is_ok());
    assert_eq!(guesses.wait("alice", HOME, now), None);
}

#[test]
fn the_memory_is_bounded_and_whoever_owes_most_is_remembered() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    guess(&guesses, "alice", HOME, now);
    for number in 0..20_000 {
        let _ = guesses.pay(&format!("name-{number}"), stranger(number), now).unwrap();
        guesses.know(&format!("name-{number}"), HOME, now + Duration::from_secs(number.into()));
    }
    assert!(guesses.kept().free_at.len() <= REMEMBERED && guesses.kept().known.len() <= REMEMBERED);
    assert!(guesses.wait("alice", HOME, now).is_some());
    assert!(guesses.kept().known.contains_key("name-19999"), "who was here last is known");
    for number in 0..10 {
        guesses.know("alice", stranger(number), now);
    }
    assert_eq!(guesses.kept().known["alice"].addresses.len(), KNOWN);
}

#[test]
fn names_that_no_account_can_have_are_not_kept_and_cost_the_address_its_tries() {
    let (guesses, now) = (Guesses::default(), Instant::now());
    let (long, longer) = ("a".repeat(41), "a".repeat(4000));
    let names = ["", "Alice", "al ice", "алиса", &long, &longer];
    let tries = (0..10_000).take_while(|number| guesses.pay(names[number % names.len()], HOME, now).is_ok()).count();
    assert_eq!((tries, guesses.kept().free_at.len()), (50, 1));
    assert!(guesses.wait("alice", HOME, now).is_some());
}
