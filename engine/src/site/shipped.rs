//! The site files that come with the program.

/// Name and text of each shipped site file.
pub const SHIPPED: [(&str, &str); 4] = [
    (
        "books.toml",
        include_str!("../../../assets/sites/books.toml"),
    ),
    ("demo.toml", include_str!("../../../assets/sites/demo.toml")),
    (
        "matter.toml",
        include_str!("../../../assets/sites/matter.toml"),
    ),
    (
        "quotes.toml",
        include_str!("../../../assets/sites/quotes.toml"),
    ),
];

#[cfg(test)]
mod tests;
