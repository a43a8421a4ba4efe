-- Organisations, who belongs to them, what they own, and invitations into them.

CREATE TABLE organisation (
    organisation_id bigint      PRIMARY KEY,
    name            text        NOT NULL,
    business_id     text        NOT NULL,
    address         text        NOT NULL,
    contact         text        NOT NULL,
    is_deleted      boolean     NOT NULL,
    created_at      timestamptz NOT NULL,
    position        bigint      NOT NULL
);

ALTER TABLE registry_user
    ADD COLUMN organisation_id      bigint,
    ADD COLUMN manages_organisation boolean NOT NULL DEFAULT false;
CREATE INDEX registry_user_organisation ON registry_user (organisation_id, user_id)
    WHERE organisation_id IS NOT NULL;

ALTER TABLE account ADD COLUMN organisation_id bigint;
CREATE INDEX account_organisation ON account (organisation_id, account_id)
    WHERE organisation_id IS NOT NULL;

CREATE TABLE invitation (
    invitation_id   uuid        PRIMARY KEY,
    organisation_id bigint      NOT NULL,
    code            uuid        NOT NULL,    -- digest
    role            smallint    NOT NULL,
    manages         boolean     NOT NULL,
    account_ids     bigint[]    NOT NULL,
    inviter_id      bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    accepted_by     bigint,
    revoked_at      timestamptz,
    position        bigint      NOT NULL
);
CREATE INDEX invitation_code ON invitation (code);
CREATE INDEX invitation_organisation ON invitation (organisation_id, invitation_id);
