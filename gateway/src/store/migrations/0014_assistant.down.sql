drop table assistant_answers;
