-- A portal may give back part of its fee with a refund, or charge for it.
alter table refunds add column fee_posted_minor bigint not null default 0;
comment on column refunds.fee_posted_minor is 'What is booked of fee_minor; negative for a fee that was given back.';
