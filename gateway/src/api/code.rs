//! Every code that a problem of the local API may carry.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($name:ident = $word:literal $status:ident $about:literal),+ $(,)?) => {
        /// A code of a problem. It never changes what it means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $(#[doc = $about] $name),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// How it is answered.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// What happened, and what to do.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about),+ }
            }
        }
    };
}

codes! {
    NotAuthenticated = "not_authenticated" UNAUTHORIZED
        "The request has no token. Send the gateway's as `Authorization: Bearer`.",
    TokenInvalid = "token_invalid" UNAUTHORIZED
        "The token is another one than the first line of the gateway's token file.",
    WrongHost = "wrong_host" MISDIRECTED_REQUEST
        "The request names another host than this machine's loopback. Call `localhost` or the address.",
    RouteNotFound = "route_not_found" NOT_FOUND
        "There is nothing at this path.",
    MethodNotAllowed = "method_not_allowed" METHOD_NOT_ALLOWED
        "The path has other methods; `Allow` lists them.",
    BodyTooLarge = "body_too_large" PAYLOAD_TOO_LARGE
        "The body is longer than any that is needed here.",
    UnsupportedMediaType = "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE
        "The body must be `application/json`.",
    MalformedBody = "malformed_body" UNPROCESSABLE_ENTITY
        "The body is no JSON.",
    RequestInvalid = "request_invalid" UNPROCESSABLE_ENTITY
        "Fields can not be used; `errors` says which and why.",
    DeviceNotFound = "device_not_found" NOT_FOUND
        "No such device is configured here. `GET /devices` lists those that are.",
    DeviceThere = "device_there" CONFLICT
        "A device with this id is configured already. Remove it first to configure it anew.",
    DeviceUnreadable = "device_unreadable" BAD_GATEWAY
        "The device did not answer, or nothing that its profile makes sense of. Check address, unit and profile.",
    DiscoveryRunning = "discovery_running" CONFLICT
        "A search is under way. `GET /discovery` tells how far it is.",
    NotNow = "not_now" CONFLICT
        "The gateway is not in a state for it; `detail` says why, `GET /status` what it is at.",
    Failed = "failed" BAD_GATEWAY
        "It was tried and failed; nothing has changed. Try again when the reason in `detail` is gone.",
    Busy = "busy" SERVICE_UNAVAILABLE
        "As many orders wait as are taken, or this one took too long. Try again after `Retry-After`.",
    Stopping = "stopping" SERVICE_UNAVAILABLE
        "The gateway is about to stop.",
    Internal = "internal" INTERNAL_SERVER_ERROR
        "A defect of the gateway. Its log has more.",
}
