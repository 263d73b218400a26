use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes as Text;
use tokio::sync::oneshot;
use tokio::time::advance;

use super::*;

fn cache() -> Arc<Cache> {
    Cache::new(1 << 20, &Registry::default())
}

fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn whole(text: &'static str) -> Made {
    let whole =
        Whole::new(Text::from_static(text.as_bytes()), TenantId::default(), Duration::from_secs(10), None);
    Made::Whole(Arc::new(whole))
}

async fn ask(cache: &Arc<Cache>, max_age: Duration, made: Made, times: &AtomicUsize) -> Made {
    let make = || {
        times.fetch_add(1, Ordering::Relaxed);
        async move { made }.boxed()
    };
    match cache.look_up(key("a"), max_age, make) {
        Lookup::Kept(whole) => Made::Whole(whole),
        Lookup::Making(making, _) => making.await,
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_its_time_and_no_longer() {
    let (cache, times) = (cache(), AtomicUsize::new(0));
    for (seconds, made) in [(0, 1), (9, 1), (0, 1), (1, 2), (0, 2)] {
        advance(Duration::from_secs(seconds)).await;
        ask(&cache, Duration::MAX, whole("a"), &times).await;
        assert_eq!(times.load(Ordering::Relaxed), made);
    }
    advance(Duration::from_secs(5)).await;
    ask(&cache, Duration::from_secs(4), whole("a"), &times).await;
    assert_eq!(times.load(Ordering::Relaxed), 3, "it was older than was asked for");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_not_kept() {
    let (cache, times) = (cache(), AtomicUsize::new(0));
    for _ in 0..2 {
        ask(&cache, Duration::MAX, Made::Failed(Problem::not_found("gone")), &times).await;
    }
    assert_eq!(times.load(Ordering::Relaxed), 2);
    assert!(cache.under_way.lock().unwrap().making.is_empty());
}

/// Something that is made when it is told to be.
fn slowly(cache: &Arc<Cache>, max_age: Duration) -> (Lookup, oneshot::Sender<Made>) {
    let (sender, receiver) = oneshot::channel();
    let make = || async move { receiver.await.unwrap_or(whole("never told")) }.boxed();
    (cache.look_up(key("a"), max_age, make), sender)
}

fn making(lookup: Lookup) -> Making {
    match lookup {
        Lookup::Making(making, _) => making,
        Lookup::Kept(_) => panic!("it was kept"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_wants_it_anew_waits_for_nothing_that_was_begun_before() {
    let cache = cache();
    let (first, tell_first) = slowly(&cache, Duration::MAX);
    let (anew, tell_anew) = slowly(&cache, Duration::ZERO);
    assert!(matches!(anew, Lookup::Making(_, false)));
    assert!(tell_anew.send(whole("new")).is_ok());
    making(anew).await;
    assert!(tell_first.send(whole("old")).is_ok());
    making(first).await;
    let (kept, _) = slowly(&cache, Duration::MAX);
    let Lookup::Kept(kept) = kept else { panic!("nothing is kept") };
    assert_eq!(
        kept.encoded(crate::encoding::Encoding::Identity).unwrap().0,
        "new",
        "the older one came later"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_before_a_flush_is_not_kept() {
    let cache = cache();
    let (first, tell) = slowly(&cache, Duration::MAX);
    assert_eq!(cache.flush(&TenantId::default()), 0);
    assert!(tell.send(whole("old")).is_ok());
    making(first).await;
    assert_eq!(cache.holds().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_flush_leaves_other_tenants_their_answers() {
    let cache = cache();
    ask(&cache, Duration::MAX, whole("a"), &AtomicUsize::new(0)).await;
    assert_eq!(cache.flush(&TenantId::new("other")), 0);
    assert_eq!(cache.holds().0, 1);
    assert_eq!(cache.flush(&TenantId::default()), 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_is_dropped_and_forgotten() {
    let cache = cache();
    let (first, tell) = slowly(&cache, Duration::MAX);
    let (second, _) = slowly(&cache, Duration::MAX);
    drop(first);
    assert!(!tell.is_closed(), "somebody still waits");
    drop(second);
    assert!(tell.is_closed());
    assert!(cache.under_way.lock().unwrap().making.is_empty());
}
