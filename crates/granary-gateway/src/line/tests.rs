use std::pin::Pin;

use futures::FutureExt;

use super::*;

type Line = QueryLine<&'static str, &'static str>;
type Entering = Pin<Box<dyn Future<Output = Result<Place<&'static str, &'static str>, NoPlace>>>>;

fn line(places: u32, waiting: u32) -> Line {
    with(LineBounds { places, places_of_tenant: 0, waiting, max_wait: Duration::from_secs(10) })
}

fn with(bounds: LineBounds) -> Line {
    QueryLine::new(bounds)
}

fn guest(tenant: &'static str, account: &'static str) -> Guest<&'static str, &'static str> {
    Guest { tenant, account, places: 0, waiting: 0 }
}

/// Someone who has come, and has a place or waits.
fn come(line: &Line, guest: Guest<&'static str, &'static str>) -> Entering {
    let line = line.clone();
    let mut entering: Entering = Box::pin(async move { line.enter(guest).await });
    match entering.as_mut().now_or_never() {
        None => entering,
        Some(done) => Box::pin(async move { done }),
    }
}

/// In which order those that wait are served, when each leaves before the next is served.
fn order(running: Vec<Place<&'static str, &'static str>>, mut waiting: Vec<Entering>) -> Vec<&'static str> {
    let mut order = Vec::new();
    drop(running);
    while !waiting.is_empty() {
        let served = waiting.iter_mut().position(|entering| match entering.as_mut().now_or_never() {
            Some(Ok(place)) => {
                order.push(place.account);
                true
            }
            Some(Err(error)) => panic!("{error:?}"),
            None => false,
        });
        drop(waiting.remove(served.expect("one of them is served")));
    }
    order
}

#[tokio::test(start_paused = true)]
async fn one_query_of_a_light_caller_waits_for_one_place_behind_a_thousand_of_a_heavy_one() {
    let line = line(2, 2000);
    let running =
        vec![line.enter(guest("t", "heavy")).await.unwrap(), line.enter(guest("t", "heavy")).await.unwrap()];
    let mut waiting: Vec<_> = (0..1000).map(|_| come(&line, guest("t", "heavy"))).collect();
    waiting.push(come(&line, guest("t", "light")));
    let [first, second] = running.try_into().unwrap();
    drop(first);
    let place = waiting.pop().unwrap().now_or_never().expect("it is served next").unwrap();
    assert_eq!(place.account, "light");
    assert_eq!(line.length(), (2, 1000));
    drop((second, place));
}

#[tokio::test(start_paused = true)]
async fn accounts_take_turns_and_each_is_served_in_the_order_of_coming() {
    let line = line(1, 100);
    let running = vec![line.enter(guest("t", "a")).await.unwrap()];
    let accounts = ["a", "a", "a", "b", "b", "c"];
    let waiting = accounts.map(|account| come(&line, guest("t", account))).into();
    assert_eq!(order(running, waiting), ["b", "c", "a", "b", "a", "a"]);
    assert_eq!(line.length(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_with_many_accounts_has_no_more_turns_than_one_with_a_single_account() {
    let line = line(1, 100);
    let running = vec![line.enter(guest("many", "a")).await.unwrap()];
    let guests = [("many", "a"), ("many", "b"), ("many", "c"), ("one", "z"), ("one", "z")];
    let waiting = guests.map(|(tenant, account)| come(&line, guest(tenant, account))).into();
    assert_eq!(order(running, waiting), ["z", "b", "z", "c", "a"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_at_its_own_bound_waits_while_others_pass_it() {
    let line = line(3, 10);
    let bounded = || Guest { places: 1, ..guest("t", "bounded") };
    let first = line.enter(bounded()).await.unwrap();
    let mut second = come(&line, bounded());
    let _other = line.enter(guest("t", "other")).await.unwrap();
    assert!(second.as_mut().now_or_never().is_none(), "two places are left, but not for it");
    drop(first);
    assert!(second.now_or_never().unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_tenant_at_its_bound_waits_and_is_told_so() {
    let line =
        with(LineBounds { places: 3, places_of_tenant: 1, waiting: 10, max_wait: Duration::from_secs(10) });
    let _first = line.enter(guest("t", "a")).await.unwrap();
    assert_eq!(line.enter(guest("t", "b")).await.unwrap_err(), NoPlace::TooLongAtTenantBound { most: 1 });
    assert!(line.enter(guest("u", "c")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_limit_and_who_gives_up_leaves_no_trace() {
    let line = line(1, 1);
    let running = line.enter(guest("t", "a")).await.unwrap();
    assert_eq!(line.enter(guest("t", "b")).await.unwrap_err(), NoPlace::TooLong);
    let given_up = come(&line, guest("t", "b"));
    assert_eq!(line.length(), (1, 1));
    drop(given_up);
    assert_eq!(line.length(), (1, 0));
    drop(running);
    assert_eq!(line.length(), (0, 0));
    let state = line.0.lock();
    assert!(state.accounts.is_empty() && state.tenants.is_empty(), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_given_to_somebody_who_had_just_left_goes_to_the_next() {
    let line = line(1, 10);
    let running = line.enter(guest("t", "a")).await.unwrap();
    let (served, next) = (come(&line, guest("t", "b")), come(&line, guest("t", "c")));
    drop(running);
    // It has the place by now, and never looks.
    drop(served);
    assert_eq!(next.now_or_never().unwrap().unwrap().account, "c");
}

#[tokio::test(start_paused = true)]
async fn a_full_line_takes_the_newcomer_in_place_of_the_last_of_the_longest() {
    let line = line(1, 3);
    let _running = line.enter(guest("t", "heavy")).await.unwrap();
    let mut heavy: Vec<_> = (0..3).map(|_| come(&line, guest("t", "heavy"))).collect();
    let refused = line.enter(guest("t", "heavy")).await.unwrap_err();
    assert_eq!(refused, NoPlace::LineFull { most: 3 });
    let light = come(&line, guest("t", "light"));
    assert_eq!(heavy.pop().unwrap().now_or_never().unwrap().unwrap_err(), NoPlace::LineFull { most: 3 });
    assert!(heavy.iter_mut().all(|waiting| waiting.as_mut().now_or_never().is_none()));
    // With two of one and one of another there is nothing unfair to mend.
    assert_eq!(line.enter(guest("t", "light")).await.unwrap_err(), NoPlace::LineFull { most: 3 });
    drop(light);
}

#[tokio::test(start_paused = true)]
async fn an_account_has_a_bound_of_its_own_in_the_line() {
    let line = line(1, 10);
    let _running = line.enter(guest("t", "a")).await.unwrap();
    let bounded = || Guest { waiting: 1, ..guest("t", "b") };
    let _waiting = come(&line, bounded());
    assert_eq!(line.enter(bounded()).await.unwrap_err(), NoPlace::OwnLineFull { most: 1 });
}
