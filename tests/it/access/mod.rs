//! Who may do what, provably complete: every operation that the served document lists is asked for by
//! everybody there is.

mod matrix;
mod request;
mod scene;
mod source;
mod user_id;
