-- Recurring rules, their runs, and the actions they took.

CREATE TABLE recurring_rule (
    rule_id      bigint      PRIMARY KEY,
    source_id    bigint      NOT NULL,
    user_id      bigint,                   -- who created it
    terms        jsonb       NOT NULL,     -- as in the event
    status       text        NOT NULL,
    end_reason   text,
    next_run     timestamptz,
    periods_done bigint      NOT NULL,
    last_outcome text,
    created_at   timestamptz NOT NULL,
    position     bigint      NOT NULL
);
CREATE INDEX recurring_rule_source ON recurring_rule (source_id, rule_id);

CREATE TABLE recurring_run (
    rule_id    bigint      NOT NULL,
    period     bigint      NOT NULL,       -- the first it stands for, counted from 0
    periods    bigint      NOT NULL,
    due_at     timestamptz NOT NULL,       -- of the last of them
    outcome    text        NOT NULL,
    reason     text,
    wanted_wh  bigint      NOT NULL,
    moved_wh   bigint      NOT NULL,
    action_ids bigint[]    NOT NULL,
    ran_at     timestamptz NOT NULL,
    position   bigint      NOT NULL,
    PRIMARY KEY (rule_id, period)
);

ALTER TABLE action ADD COLUMN rule_id bigint;
CREATE INDEX action_rule ON action (rule_id, action_id) WHERE rule_id IS NOT NULL;
