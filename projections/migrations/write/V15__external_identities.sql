-- Whom other servers sign in: digest of server and subject, so no personal data is here.
CREATE TABLE external_identity (
    digest   uuid   PRIMARY KEY,
    user_id  bigint NOT NULL,
    position bigint NOT NULL
);
