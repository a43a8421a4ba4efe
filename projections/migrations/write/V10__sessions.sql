-- Sessions: whose they are, and which refresh token is good.
CREATE TABLE session (
    session_id uuid   PRIMARY KEY,
    state      jsonb  NOT NULL,
    position   bigint NOT NULL
);
