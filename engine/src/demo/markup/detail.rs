//! A product's page: the truth as a server of catalogues writes it.

use crate::demo::{
    catalogue::Product,
    markup::{LIST_QUERY, Layout, escape, put},
};

/// The page of `product`; `related` are products that it links to.
pub(in crate::demo) fn detail_page(
    layout: &Layout,
    product: &Product,
    related: &[Product],
) -> String {
    let mut page = String::with_capacity(layout.len() + 8_192);
    layout.open(
        &mut page,
        &product.model,
        &product.url,
        "single single-product",
    );
    put(
        &mut page,
        format_args!(
            "<article id=\"post-{0}\" class=\"post-{0} product type-product status-publish hentry\">\n\
             <header class=\"entry-header\"><div class=\"inner\">\n<nav class=\"breadcrumb\">\
             <a href=\"/\">Home</a> / <a href=\"/csa-iot_products/?{1}\">Products</a></nav>\n\
             <p class=\"entry-company notranslate\">",
            100_000 + product.index,
            LIST_QUERY.replace('&', "&amp;"),
        ),
    );
    escape(&mut page, &product.manufacturer);
    page.push_str("</p>\n<h1 class=\"entry-title\">");
    escape(&mut page, &product.model);
    // Two forms are seen in the wild.
    let level = if product.index.is_multiple_of(4) {
        "p"
    } else {
        "h6"
    };
    put(
        &mut page,
        format_args!("</h1>\n<{level} class=\"entry-category\">"),
    );
    escape(&mut page, &product.device_type);
    put(
        &mut page,
        format_args!(
            "</{level}>\n</div></header>\n<div class=\"entry-content\">\n\
             <figure class=\"wp-block-image\"><img loading=\"lazy\" src=\"/wp-content/uploads/{}.webp\" alt=\"\" \
             width=\"640\" height=\"480\"></figure>\n",
            product.slug
        ),
    );
    details(&mut page, product);
    categories(&mut page, product);
    page.push_str("</div>\n</article>\n");
    more(&mut page, related);
    layout.close(&mut page);
    page
}

fn details(page: &mut String, product: &Product) {
    page.push_str("<div class=\"entry-product-details\"><div class=\"inner\"><h3>Product Details</h3>\n<ul>\n");
    item(page, "Manufacturer", &product.manufacturer);
    item(page, "Vendor ID", &format!("0x{:04X}", product.vendor_id));
    item(page, "Product ID", &format!("0x{:04x}", product.product_id));
    let optional = [
        ("Family SKU", product.family_sku.as_deref()),
        ("Family Variant SKU", product.family_variant_sku.as_deref()),
        ("Firmware Version", product.firmware_version.as_deref()),
        ("Hardware Version", Some(product.hardware_version.as_str())),
        ("Software Version", Some(product.software_version.as_str())),
    ];
    for (label, value) in optional {
        if let Some(value) = value {
            item(page, label, value);
        }
    }
    if let (Some(id), Some(document)) = (&product.certificate_id, &product.compliance_document_url)
    {
        put(
            page,
            format_args!(
                "<li class=\"item\"><span class=\"label\">Certificate ID</span> \
                 <span class=\"value\"><a href=\"{document}\" target=\"_blank\" rel=\"noopener\">{id}</a></span></li>\n"
            ),
        );
    }
    let certified = match product.index % 5 {
        0 => product.certified.strftime("%m/%d/%Y").to_string(),
        _ => product.certified.to_string(),
    };
    item(page, "Certified Date", &certified);
    if let Some(family) = &product.family_id {
        item(page, "Family ID", family);
    }
    item(
        page,
        "TIS/TRP Tested",
        if product.tis_trp_tested { "Yes" } else { "No" },
    );
    item(page, "Specification Version", product.specification_version);
    item(page, "Transport Interface", product.transport_interface);
    item(
        page,
        "Primary Device Type ID",
        &format!("0x{:04X}", product.primary_device_type_id),
    );
    page.push_str("</ul></div></div>\n");
}

fn item(page: &mut String, label: &str, value: &str) {
    page.push_str("<li class=\"item\"><span class=\"label\">");
    escape(page, label);
    page.push_str("</span> <span class=\"value\">");
    escape(page, value);
    page.push_str("</span></li>\n");
}

fn categories(page: &mut String, product: &Product) {
    if product.application_categories.is_empty() {
        return;
    }
    page.push_str("<div class=\"inner\"><h3>Application Categories</h3>\n<ul>\n");
    for category in product.application_categories {
        page.push_str("<li>");
        escape(page, category);
        page.push_str("</li>\n");
    }
    page.push_str("</ul></div>\n");
}

fn more(page: &mut String, related: &[Product]) {
    page.push_str(
        "<aside class=\"related\"><h2>More products</h2><div class=\"related-products\">\n",
    );
    for product in related {
        put(
            page,
            format_args!(
                "<article class=\"post-{} product\"><a href=\"{}\"><div class=\"inner\"><div class=\"contents\">\
                 <p class=\"company\">",
                100_000 + product.index,
                product.url
            ),
        );
        escape(page, &product.manufacturer);
        page.push_str("</p><h4>");
        escape(page, &product.model);
        page.push_str("</h4></div></div></a></article>\n");
    }
    page.push_str("</div></aside>\n");
}
