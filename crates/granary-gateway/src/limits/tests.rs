use super::*;

fn allowances(configure: impl FnOnce(&mut GatewayConfig)) -> Allowances {
    let mut config = GatewayConfig::default();
    configure(&mut config);
    Allowances::new(&config)
}

fn host(number: u8) -> Caller {
    Caller::from_host([192, 0, 2, number].into())
}

fn outcome(allowances: &Allowances, caller: &Caller) -> Option<(Limit, Scope, u64)> {
    allowances.take(caller).err().map(|refusal| (refusal.limit, refusal.of, refusal.value))
}

#[tokio::test]
async fn an_allowance_shrinks_and_then_refuses_and_others_have_their_own() {
    let allowances = allowances(|config| {
        config.requests_per_second = 1.try_into().unwrap();
        config.burst = 2.try_into().unwrap();
    });
    let left = |caller| allowances.count(caller).caller.unwrap().left;
    assert_eq!((left(&host(1)), left(&host(1))), (1, 0));
    assert_eq!(outcome(&allowances, &host(1)), Some((Limit::Requests, Scope::Caller, 2)));
    assert_eq!(outcome(&allowances, &host(2)), None);
}

#[tokio::test]
async fn a_tenant_and_everybody_have_allowances_too_and_a_refused_caller_takes_nothing_of_them() {
    let allowances = allowances(|config| {
        config.requests_per_second = 1.try_into().unwrap();
        config.burst = 1.try_into().unwrap();
        (config.tenant_requests_per_second, config.tenant_burst) = (1, 2);
        (config.total_requests_per_second, config.total_burst) = (1, 3);
    });
    assert_eq!(outcome(&allowances, &host(1)), None);
    for _ in 0..10 {
        assert_eq!(outcome(&allowances, &host(1)), Some((Limit::Requests, Scope::Caller, 1)));
    }
    assert_eq!(outcome(&allowances, &host(2)), None);
    assert_eq!(outcome(&allowances, &host(3)), Some((Limit::Requests, Scope::Tenant, 2)));
    let elsewhere = |number| host(number).of_tenant("other");
    assert_eq!(outcome(&allowances, &elsewhere(4)), None);
    assert_eq!(outcome(&allowances, &elsewhere(5)), Some((Limit::Requests, Scope::Total, 3)));
}

#[tokio::test(start_paused = true)]
async fn what_is_read_comes_off_the_budgets_of_caller_tenant_and_all() {
    let allowances = allowances(|config| {
        config.rows_per_hour = 100;
        config.tenant_rows_per_hour = 150;
        config.total_bytes_per_hour = bytesize::ByteSize(1_000);
    });
    let refused = |caller: &Caller| {
        allowances.may_read(caller).err().map(|refusal| (refusal.limit, refusal.of, refusal.reset.as_secs()))
    };
    allowances.charge(&host(1), 110, 10);
    assert_eq!(refused(&host(1)), Some((Limit::Rows, Scope::Caller, 396)), "ten to pay and one to have");
    assert_eq!(refused(&host(2)), None);
    allowances.charge(&host(2), 50, 10);
    assert_eq!(refused(&host(3)), Some((Limit::Rows, Scope::Tenant, 264)));
    let elsewhere = host(4).of_tenant("other");
    assert_eq!(refused(&elsewhere), None);
    allowances.charge(&elsewhere, 1, 980);
    assert_eq!(refused(&elsewhere).map(|(limit, of, _)| (limit, of)), Some((Limit::Bytes, Scope::Total)));
}

#[tokio::test]
async fn a_key_s_own_limits_stand_in_place_of_the_gateway_s() {
    let allowances = allowances(|config| config.rows_per_hour = 100);
    let limits = Limits { burst: Some(1), rows_per_hour: Some(0), concurrent: Some(3), ..Limits::default() };
    let key = host(1).with_limits(limits);
    assert_eq!(outcome(&allowances, &key), None);
    assert_eq!(outcome(&allowances, &key), Some((Limit::Requests, Scope::Caller, 1)));
    allowances.charge(&key, 1_000, 0);
    assert!(allowances.may_read(&key).is_ok());
    assert_eq!((allowances.concurrent(&key), allowances.concurrent(&host(2))), (3, 4));
}

#[tokio::test]
async fn the_headers_tell_each_policy_that_is_the_caller_s_or_its_tenant_s() {
    let allowances = allowances(|config| {
        config.requests_per_second = 3.try_into().unwrap();
        config.burst = 10.try_into().unwrap();
        (config.tenant_requests_per_second, config.tenant_burst) = (100, 200);
        (config.rows_per_hour, config.bytes_per_hour) = (1_000, bytesize::ByteSize(0));
        config.tenant_rows_per_hour = 5_000;
    });
    let mut headers = HeaderMap::new();
    allowances.write_headers(&host(1), &allowances.count(&host(1)), &mut headers);
    assert_eq!(
        headers["ratelimit-policy"],
        "\"caller\";q=10;w=4, \"tenant\";q=200;w=2, \"rows\";q=1000;w=3600, \"tenant-rows\";q=5000;w=3600"
    );
    assert_eq!(
        headers["ratelimit"],
        "\"caller\";r=9;t=1, \"tenant\";r=199;t=1, \"rows\";r=1000;t=0, \"tenant-rows\";r=5000;t=0"
    );
}
