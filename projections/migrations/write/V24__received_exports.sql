-- What became here of exports of other registries: {digest of what one offers: 'imported' or 'refused'}, by the
-- registry and its id. Of those that were refused before, what they offered was not kept: zeros. Which certificates
-- came by rows or left is known of imports and exports before only after a rebuild.
ALTER TABLE refused_export RENAME TO received_export;
UPDATE received_export SET state = format('{"%s":"refused"}', repeat('0', 64))::json;
