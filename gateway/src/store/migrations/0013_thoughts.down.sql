drop table thought_plan_items, thought_plans, thought_actions, thoughts;
