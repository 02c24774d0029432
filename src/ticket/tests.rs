#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Barrier,
    thread,
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

#[test]
fn a_ticket_gives_its_name_once() {
    let tickets = Tickets::default();
    let (alice, bob) = (tickets.issue("alice", HERE).unwrap(), tickets.issue("bob", THERE).unwrap());
    assert!(alice.len() == 32 && alice.bytes().all(|digit| digit.is_ascii_hexdigit()) && alice != bob);
    assert_eq!(tickets.redeem(&bob, THERE), Ok("bob".into()));
    assert_eq!(tickets.redeem(&alice, HERE), Ok("alice".into()));
    assert_eq!(tickets.redeem(&alice, HERE), Err(Refused::Used));
}

#[test]
fn a_ticket_ends_after_its_life_and_is_forgotten_later() {
    let (tickets, start) = (Tickets::default(), Instant::now());
    let [one, two, three] = [0, 0, 0].map(|_| tickets.issue_at("alice", HERE, start).unwrap());
    assert_eq!(tickets.redeem_at(&one, HERE, start + LIFE - Duration::from_millis(1)), Ok("alice".into()));
    assert_eq!(tickets.redeem_at(&two, HERE, start + LIFE), Err(Refused::Expired));
    assert_eq!(tickets.redeem_at(&three, HERE, start + REMEMBERED), Err(Refused::Unknown));
    assert!(tickets.book().entries.is_empty() && tickets.book().by_account.is_empty() && tickets.book().by_age.is_empty());
}

#[test]
fn a_ticket_that_was_shown_from_elsewhere_is_spent() {
    let tickets = Tickets::default();
    let ticket = tickets.issue("alice", HERE).unwrap();
    assert_eq!(tickets.redeem(&ticket, THERE), Err(Refused::OtherAddress));
    assert_eq!(tickets.redeem(&ticket, HERE), Err(Refused::Used));
}

#[test]
fn one_address_in_two_notations_is_one_address() {
    let tickets = Tickets::default();
    let ticket = tickets.issue("alice", Ipv4Addr::LOCALHOST.to_ipv6_mapped().into()).unwrap();
    assert_eq!(tickets.redeem(&ticket, HERE), Ok("alice".into()));
    let ticket = tickets.issue("alice", HERE).unwrap();
    assert_eq!(tickets.redeem(&ticket, Ipv6Addr::LOCALHOST.into()), Err(Refused::OtherAddress));
}

#[test]
fn of_sixty_four_who_show_one_ticket_at_once_one_gets_the_name() {
    let tickets = Tickets::default();
    for _ in 0..50 {
        let (ticket, start) = (tickets.issue("alice", HERE).unwrap(), Barrier::new(64));
        let show = || {
            start.wait();
            tickets.redeem(&ticket, HERE)
        };
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(show)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert_eq!(results.iter().filter(|result| **result == Err(Refused::Used)).count(), 63);
    }
}

#[test]
fn a_million_wrong_tickets_open_nothing_and_leave_nothing() {
    let tickets = Tickets::default();
    let ticket = tickets.issue("alice", HERE).unwrap();
    for number in 0..1_000_000_u32 {
        assert_eq!(tickets.redeem(&format!("{number:032x}"), HERE), Err(Refused::Unknown));
    }
    for near in ["", &ticket[1..], &ticket.to_uppercase(), &format!("{ticket} "), &format!("{ticket}\0")] {
        assert!(*near == *ticket || tickets.redeem(near, HERE) == Err(Refused::Unknown), "{near:?}");
    }
    assert_eq!(tickets.book().entries.len(), 1);
    assert_eq!(tickets.redeem(&ticket, HERE), Ok("alice".into()));
}

#[test]
fn the_book_is_bounded_per_account_and_in_all_and_the_oldest_give_way() {
    let tickets = Tickets::default();
    let greedy: Vec<_> = (0..=PER_ACCOUNT).map(|_| tickets.issue("greedy", HERE).unwrap()).collect();
    assert_eq!(tickets.redeem(&greedy[0], HERE), Err(Refused::Unknown));
    assert_eq!(tickets.redeem(&greedy[1], HERE), Ok("greedy".into()));
    for number in 0..TOTAL {
        tickets.issue(&format!("account-{number}"), HERE).unwrap();
    }
    let book = tickets.book();
    assert_eq!((book.entries.len(), book.by_age.len(), book.by_account.len()), (TOTAL, TOTAL, TOTAL));
    drop(book);
    assert_eq!(tickets.redeem(&greedy[2], HERE), Err(Refused::Unknown));
}

#[test]
fn the_book_holds_no_ticket_only_hashes() {
    let tickets = Tickets::default();
    let ticket = tickets.issue("alice", HERE).unwrap();
    let book = tickets.book();
    let entry = book.entries.values().next().unwrap();
    assert_eq!(entry.hash.as_slice(), digest(&SHA256, ticket.as_bytes()).as_ref());
}
