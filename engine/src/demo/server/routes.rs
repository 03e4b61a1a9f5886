//! Paths of the demo.

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// List page, from 1.
    List(u32),
    /// List page 1 under its number: `WordPress` redirects it.
    FirstList,
    /// The page of the product with this slug.
    Product(&'a str),
    /// The same without the slash at its end.
    ProductWithoutSlash(&'a str),
    /// `/`, which leads to the catalogues of all hosts.
    Home,
    /// `/robots.txt`, which names the sitemap.
    Robots,
    /// `/sitemap.xml`, or one of its parts.
    Sitemap(Option<u32>),
    /// Any other path: 404.
    Unknown,
}

impl Route<'_> {
    /// Whether it can fail; what a crawl needs before it may begin never does.
    pub(super) const fn may_fail(&self) -> bool {
        matches!(self, Self::List(_) | Self::Product(_))
    }
}

pub(super) fn route(path: &str) -> Route<'_> {
    match path {
        "/" => return Route::Home,
        "/robots.txt" => return Route::Robots,
        "/sitemap.xml" => return Route::Sitemap(None),
        "/csa-iot_products/" => return Route::List(1),
        _ => {}
    }
    if let Some(number) = between(path, "/csa-iot_products/page/", "/") {
        return match number.parse() {
            Ok(1) => Route::FirstList,
            Ok(page) if page > 0 => Route::List(page),
            _ => Route::Unknown,
        };
    }
    if let Some(slug) = between(path, "/csa_product/", "/") {
        return Route::Product(slug);
    }
    if let Some(slug) = between(path, "/csa_product/", "") {
        return Route::ProductWithoutSlash(slug);
    }
    match between(path, "/sitemap-", ".xml").map(str::parse) {
        Some(Ok(part)) => Route::Sitemap(Some(part)),
        _ => Route::Unknown,
    }
}

/// The one path segment between these, if it is one.
fn between<'a>(path: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let middle = path.strip_prefix(before)?.strip_suffix(after)?;
    (!middle.is_empty() && !middle.contains('/')).then_some(middle)
}
