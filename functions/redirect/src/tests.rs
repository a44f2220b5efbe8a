//! The pages, requested through the router.

mod colors;
mod error_pages;
mod headers;
mod hostile;
mod links;
mod result_pages;
mod samples;
mod single_use;
mod site;
