alter table prices drop column tiers, drop column cache_write_1h_pico, drop column cache_write_5m_pico;
