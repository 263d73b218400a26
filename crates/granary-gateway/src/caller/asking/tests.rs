use granary_access::{Admitted, Fixed, Grant, Holder, Pass};
use granary_model::TenantId;

use super::*;
use crate::{Binding, Catalogue};

fn caller(role: Role, groups: Option<&[&str]>, fixed: &[(&str, &str)]) -> Caller {
    let mut parameters = Fixed::default();
    for (name, value) in fixed {
        parameters.add(*name, *value);
    }
    let grant = Grant {
        holder: Holder::Subject("someone".to_owned()),
        tenant: TenantId::new("acme"),
        role,
        groups: groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()),
        fixed: parameters,
    };
    Caller::of(Admitted::Granted(Pass::until(grant, Timestamp::MAX)), None)
}

fn prepare(caller: &Caller, query: &str, given: &[(&str, &str)]) -> Result<PreparedQuery, AskError> {
    let catalogue = Catalogue::embedded().unwrap();
    let given: RawParams = given.iter().copied().collect();
    let now = Timestamp::from_second(1_795_000_000).unwrap();
    caller.prepare(catalogue.get(query).unwrap(), &given, now)
}

fn bound(query: &PreparedQuery, name: &str) -> Binding {
    query.bindings().iter().find(|(bound, _)| bound == name).unwrap().1.clone()
}

fn texts(values: &[&str]) -> Binding {
    Binding::Texts(values.iter().map(|value| (*value).to_owned()).collect())
}

#[test]
fn the_tenant_and_the_user_of_a_viewer_are_bound_whatever_is_given() {
    let viewer = caller(Role::Viewer, None, &[("user", "me@example.com")]);
    for given in [&[][..], &[("user", "me@example.com")]] {
        let query = prepare(&viewer, "sessions", given).unwrap();
        assert_eq!(query.tenant().as_str(), "acme");
        assert_eq!(bound(&query, "tenant"), Binding::Text("acme".to_owned()));
        assert_eq!(bound(&query, "user"), texts(&["me@example.com"]));
    }
    let fixed = |parameter: &str| AskError::Forbidden(Forbidden::Fixed { parameter: parameter.to_owned() });
    for given in [
        &[("user", "other@example.com")][..],
        &[("user", "me@example.com"), ("user", "other@example.com")],
        &[("user", "")],
        &[("user", "ME@example.com")],
    ] {
        assert_eq!(prepare(&viewer, "sessions", given), Err(fixed("user")), "{given:?}");
    }
    assert_eq!(prepare(&viewer, "sessions", &[("tenant", "acme")]), Err(ParamError::Tenant.into()));
}

#[test]
fn a_query_that_does_not_honour_a_filter_is_not_asked_by_who_has_it() {
    for (name, filter) in [("user", "user"), ("team", "team"), ("project", "project"), ("session", "session")]
    {
        let limited = caller(Role::Analyst, None, &[(name, "x")]);
        let refused = prepare(&limited, "ingest_accounting", &[]);
        let expected = Forbidden::Filter { query: "ingest_accounting".to_owned(), filter };
        assert_eq!(refused, Err(expected.into()));
        assert!(!limited.sees_all());
    }
    assert!(prepare(&caller(Role::Analyst, None, &[]), "ingest_accounting", &[]).is_ok());
}

#[test]
fn a_parameter_is_fixed_where_a_query_has_it_and_does_not_matter_where_it_has_not() {
    let two = caller(Role::Analyst, None, &[("project", "a"), ("project", "b"), ("bucket", "day")]);
    let all = prepare(&two, "sessions", &[]).unwrap();
    assert_eq!(bound(&all, "project"), texts(&["a", "b"]));
    let some = prepare(&two, "sessions", &[("project", "b")]).unwrap();
    assert_eq!(bound(&some, "project"), texts(&["b"]), "some of them may be chosen");
    let other = prepare(&two, "sessions", &[("project", "b"), ("project", "c")]);
    assert_eq!(other, Err(Forbidden::Fixed { parameter: "project".to_owned() }.into()));
    let query = prepare(&two, "token_breakdown", &[]).unwrap();
    assert_eq!(bound(&query, "bucket"), Binding::Text("day".to_owned()));
    let other = prepare(&two, "token_breakdown", &[("bucket", "hour")]);
    assert_eq!(other, Err(Forbidden::Fixed { parameter: "bucket".to_owned() }.into()));
}

#[test]
fn only_the_groups_of_a_key_are_asked() {
    let cost = caller(Role::Analyst, Some(&["cost"]), &[]);
    assert!(prepare(&cost, "cost_by_model", &[]).is_ok());
    let refused = prepare(&cost, "sessions", &[]);
    assert_eq!(refused, Err(Forbidden::Group { group: "sessions".to_owned() }.into()));
    assert!(prepare(&caller(Role::Admin, Some(&[]), &[]), "cost_by_model", &[]).is_err(), "none is none");
    assert!(prepare(&Caller::local(), "sessions", &[]).is_ok());
}

#[test]
fn a_role_has_what_lower_ones_have() {
    assert!(caller(Role::Admin, None, &[]).needs(Role::Admin).is_ok());
    assert!(caller(Role::Admin, None, &[]).needs(Role::Analyst).is_ok());
    assert!(caller(Role::Analyst, None, &[]).needs(Role::Admin).is_err());
    assert!(Caller::local().needs(Role::Admin).is_ok());
}
