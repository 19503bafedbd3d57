-- What writing to a provider's cache costs, and what every token of a long call costs.
alter table prices
  add column cache_write_5m_pico numeric(38, 0) check (cache_write_5m_pico >= 0),
  add column cache_write_1h_pico numeric(38, 0) check (cache_write_1h_pico >= 0),
  add column tiers jsonb not null default '[]';
