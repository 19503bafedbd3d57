-- What audio, images and tools of the provider cost, and what calls in other service tiers do: pico-USD as decimal
-- digits by kind, and the same by the tier's name under serviceTiers.
alter table prices add column more_rates jsonb not null default '{}';
