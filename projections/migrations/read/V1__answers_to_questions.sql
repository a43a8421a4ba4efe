-- The READ database: shaped for the questions the API is asked.
-- `position` is that of the event which last changed the row; none is above its stream's checkpoint.

CREATE TABLE checkpoint (
    stream   text   PRIMARY KEY,           -- 'ledger' or 'identity'
    position bigint NOT NULL CHECK (position >= 0),
    hash     bytea  NOT NULL CHECK (octet_length(hash) = 32),
    moved_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE registry_user (
    user_id       bigint      PRIMARY KEY,
    name          text        NOT NULL,
    email         text        NOT NULL,
    role          smallint    NOT NULL CHECK (role BETWEEN 1 AND 4),
    organisation  text,
    password_hash text,
    is_deleted    boolean     NOT NULL,
    created_at    timestamptz NOT NULL,
    position      bigint      NOT NULL
);
CREATE INDEX registry_user_email ON registry_user (lower(email));

CREATE TABLE account (
    account_id   bigint      PRIMARY KEY,
    account_name text        NOT NULL,
    user_ids     bigint[]    NOT NULL,     -- in the order given
    is_deleted   boolean     NOT NULL,
    created_at   timestamptz NOT NULL,
    position     bigint      NOT NULL
);
CREATE INDEX account_users ON account USING gin (user_ids);

CREATE TABLE whitelist (
    target_account_id bigint NOT NULL,     -- accepts transfers from
    source_account_id bigint NOT NULL,
    position          bigint NOT NULL,     -- of the event that added it
    PRIMARY KEY (target_account_id, source_account_id)
);
CREATE INDEX whitelist_source ON whitelist (source_account_id);

CREATE TABLE device (
    device_id               bigint      PRIMARY KEY,
    account_id              bigint      NOT NULL,
    device_name             text        NOT NULL,
    local_device_identifier text,
    device_unique_id        text,
    grid                    text        NOT NULL,
    energy_source           text        NOT NULL,
    technology_type         text        NOT NULL,
    device_type             text        NOT NULL,
    operational_date        timestamptz NOT NULL,
    capacity_w              bigint      NOT NULL,
    peak_demand_w           bigint      NOT NULL,
    location                text        NOT NULL,
    latitude                numeric,
    longitude               numeric,
    is_storage              boolean     NOT NULL,
    is_deleted              boolean     NOT NULL,
    created_at              timestamptz NOT NULL,
    position                bigint      NOT NULL
);
CREATE INDEX device_account ON device (account_id);

CREATE TABLE issuance_metadata (
    metadata_id                   bigint      PRIMARY KEY,
    country_of_issuance           text        NOT NULL,
    connected_grid_identification text        NOT NULL,
    issuing_body                  text        NOT NULL,
    issue_market_zone             text        NOT NULL,
    legal_status                  text,
    issuance_purpose              text,
    support_received              text,
    quality_scheme_reference      text,
    dissemination_level           text,
    registry_configuration        smallint    NOT NULL,
    created_at                    timestamptz NOT NULL,
    position                      bigint      NOT NULL
);

CREATE TABLE measurement (
    measurement_id      bigint      PRIMARY KEY,
    device_id           bigint      NOT NULL,
    interval_start      timestamptz NOT NULL,
    interval_end        timestamptz NOT NULL,
    wh                  bigint      NOT NULL,
    gross_net_indicator text        NOT NULL,
    is_deleted          boolean     NOT NULL,
    created_at          timestamptz NOT NULL,
    position            bigint      NOT NULL
);
CREATE INDEX measurement_device ON measurement (device_id, interval_start);

CREATE TABLE bundle (
    bundle_id              bigint      PRIMARY KEY,
    account_id             bigint      NOT NULL,
    device_id              bigint      NOT NULL,
    metadata_id            bigint      NOT NULL,
    status                 text        NOT NULL,
    range_start            bigint      NOT NULL,
    range_end              bigint      NOT NULL,
    production_start       timestamptz NOT NULL,
    production_end         timestamptz NOT NULL,
    issued_at              timestamptz NOT NULL,
    expiry                 timestamptz NOT NULL,
    energy_source          text        NOT NULL,
    energy_carrier         text        NOT NULL,
    registry_configuration smallint    NOT NULL,
    post_conversion        boolean     NOT NULL,
    is_storage             boolean     NOT NULL,
    emissions_factor       numeric,
    emissions_source       text,
    parent_id              bigint,
    hash                   bytea       NOT NULL,
    beneficiary            text,
    beneficiary_account_id bigint,
    locked_from            text,
    last_action_id         bigint,
    position               bigint      NOT NULL
) WITH (fillfactor = 90);
-- Split parents are in nobody's holdings; they are found by id only.
CREATE INDEX bundle_account ON bundle (account_id, production_start, bundle_id) WHERE status <> 'Bundle Split';
CREATE INDEX bundle_device ON bundle (device_id, production_start, bundle_id);

-- What an account holds of a device, by UTC day of production and state; split parents do not count.
CREATE TABLE holding (
    account_id bigint NOT NULL,
    device_id  bigint NOT NULL,
    day        date   NOT NULL,
    status     text   NOT NULL,
    bundles    bigint NOT NULL,
    wh         bigint NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (account_id, device_id, day, status)
);

CREATE TABLE action (
    action_id              bigint      PRIMARY KEY,
    action_type            text        NOT NULL,
    source_id              bigint      NOT NULL,
    target_id              bigint,
    user_id                bigint,
    beneficiary            text,
    beneficiary_account_id bigint,
    reason                 text,
    certificate_quantity   bigint,
    percentage             numeric,
    quantity_mode          text        NOT NULL,
    localise_time          boolean     NOT NULL,
    requested_at           timestamptz NOT NULL,
    completed_at           timestamptz NOT NULL,
    wh                     bigint      NOT NULL,
    bundles                integer     NOT NULL,
    parts                  jsonb       NOT NULL, -- as in the event: bundle_id, start, end, split
    command_id             uuid        NOT NULL,
    position               bigint      NOT NULL
);
CREATE INDEX action_source ON action (source_id, action_id);
CREATE INDEX action_target ON action (target_id, action_id) WHERE target_id IS NOT NULL;
