-- Who manages users is known beside the serials of people, so that the last of them is not demoted or removed.
UPDATE counters AS c SET state = (c.state::jsonb || jsonb_build_object('administrators', a.ids))::json
FROM (
    SELECT jsonb_agg(user_id ORDER BY user_id) AS ids FROM registry_user
    WHERE state ->> 'role' = 'ADMIN' AND NOT (state ->> 'is_removed')::boolean
) AS a
WHERE c.stream = 'identity' AND a.ids IS NOT NULL;
