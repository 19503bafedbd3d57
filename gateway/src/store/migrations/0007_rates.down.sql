alter table prices drop column more_rates;
