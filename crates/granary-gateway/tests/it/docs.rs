//! The page to try the queries on.

use http::StatusCode;

use crate::support::TestGateway;

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere_and_the_browser_is_told_to_see_to_it() {
    let gateway = TestGateway::new().await;
    let page = gateway.get("/docs").await;
    assert_eq!(
        (page.status, &page.headers["content-type"]),
        (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
    );
    let mut parts = 0;
    for mark in ["src=\"", "href=\""] {
        for address in page.text().split(mark).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(address.starts_with('/') || address.starts_with('#') || address == "data:,", "{address}");
            if address.starts_with("/docs/") {
                parts += 1;
                let part = gateway.get(address).await;
                assert_eq!(part.status, StatusCode::OK, "{address}");
                assert!(!part.text().contains("http://") && !part.text().contains("https://"), "{address}");
            }
        }
    }
    assert_eq!(parts, 2);
    for path in ["/docs", "/docs/app.js", "/docs/style.css"] {
        let policy = gateway.get(path).await.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    }
    // Neither would be let run.
    assert!(
        !page.text().contains("<script>")
            && !page.text().contains(" style=")
            && !page.text().contains(" onclick=")
    );
    assert_eq!(gateway.get("/docs/..%2Fpage.html").await.status, StatusCode::NOT_FOUND);
}
