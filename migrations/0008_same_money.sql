-- The same money through two portals: what another portal calls it, what it may be, and what the bank shows of payouts.
create table elsewhere_ids (
  organization_id integer not null,
  external_id text not null,
  -- Empty where the document does not say which portal it is.
  portal text not null,
  payment_id bigint not null,
  primary key (organization_id, external_id, portal, payment_id)
);
comment on table elsewhere_ids is 'Ids under which other portals know the money of a payment, as its own portal told them.';
create index elsewhere_ids_by_payment on elsewhere_ids (organization_id, payment_id);

alter table payments add column suspect text, add column suspicion text,
  add column vouched boolean not null default false, add column entered boolean not null default false;
update payments p set entered = true from connections c
  where c.organization_id = p.organization_id and c.id = p.connection_id and c.role = 'books';
alter table payments add constraint payments_suspect_check check (suspect is null or received_minor = 0),
  add constraint payments_suspicion_check check ((suspect is null) = (suspicion is null)
    and suspicion in ('named', 'alike', 'gateway', 'unexplained', 'payout'));
comment on column payments.suspect is 'What it may be the same money as (pay_12, po_5): not posted until that is certain.';
comment on column payments.suspicion is 'Why: documents name both, both are for the same thing, ...; src/apply/rows.ts says all.';
comment on column payments.vouched is 'A person said that it is money of its own.';
comment on column payments.entered is 'The books tell of it: somebody may have copied what another portal holds.';
create index payments_suspect on payments (organization_id, suspect) where suspect is not null;
create index payments_entered on payments (organization_id, amount_minor) where entered;

alter table payouts add column mirrors bigint, add column banked_at timestamptz, add column bank_text text;
alter table payouts add constraint payouts_mirrors_check check (mirrors is null or not posted);
comment on column payouts.mirrors is 'The payout that this is the bank''s or the books'' view of.';
comment on column payouts.banked_at is 'When the bank shows it.';
create index payouts_by_amount on payouts (organization_id, amount_minor);

alter table refunds add column standing text not null default 'own';
alter table refunds add constraint refunds_standing_check
  check (standing in ('own', 'stand-in') or standing in ('copy', 'doubtful') and posted_minor = 0);
comment on column refunds.standing is
  'own: its portal holds the money. copy: another portal tells of it. stand-in: a copy that was booked before the '
  'portal that holds the money was known, until that portal tells. doubtful: may be a copy, a person must say.';
create index refunds_by_amount on refunds (organization_id, amount_minor);
