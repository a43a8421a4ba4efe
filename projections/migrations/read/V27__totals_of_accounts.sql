-- What each account holds over all devices and days, told apart by what the most common questions ask for.

-- Nothing is projected meanwhile.
LOCK TABLE checkpoint IN EXCLUSIVE MODE;

-- Sums over the rows of `holding`: the Wh of an account, without going through a row per device and day.
CREATE TABLE holding_total (
    account_id    bigint NOT NULL,
    energy_source text   NOT NULL,
    status        text   NOT NULL,
    bundles       bigint NOT NULL,
    wh            bigint NOT NULL,
    PRIMARY KEY (account_id, energy_source, status)
) WITH (fillfactor = 50);
INSERT INTO holding_total
SELECT account_id, energy_source, status, sum(bundles)::bigint, sum(wh)::bigint
FROM holding GROUP BY 1, 2, 3;
