drop table deliveries, webhooks, budget_alerts;
