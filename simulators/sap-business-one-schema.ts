/** What the entities of the simulated Service Layer have: a property that is not here is refused, as it is there. */
import type { Schema } from './sap-business-one-filter.ts';

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

function schemaOf(types: {
  readonly number: string;
  readonly text: string;
  readonly day: string;
}): Schema {
  return Object.fromEntries(
    (['number', 'text', 'day'] as const).flatMap((type) =>
      words(types[type]).map((name) => [name, type] as const),
    ),
  );
}

/** Neither a day of change nor one of making: that is what a payment lacks. */
export const PAYMENT = schemaOf({
  number: `DocEntry DocNum Series CashSum CashSumFC TransferSum DocRate BillOfExchangeAmount BankChargeAmount
    BankChargeAmountInFC ContactPersonCode`,
  text: `DocType DocTypte HandWritten Printed CardCode CardName Address CashAccount DocCurrency CheckAccount
    TransferAccount TransferReference LocalCurrency Reference1 Reference2 CounterReference Remarks JournalRemarks
    ProjectCode DocObjectCode Cancelled AuthorizationStatus PaymentChecks PaymentInvoices PaymentCreditCards
    PaymentAccounts`,
  day: 'DocDate TaxDate DueDate TransferDate',
});

export const DOCUMENT = schemaOf({
  number: 'DocEntry DocNum DocTotal DocTotalFc',
  text: `NumAtCard CardCode CardName DocCurrency Comments Cancelled CancelStatus DocumentStatus U_WorkOrder
    U_InvoiceNo`,
  day: 'DocDate DocDueDate CreationDate UpdateDate',
});

export const PARTNER = schemaOf({
  number: '',
  text: 'CardCode CardName CardType EmailAddress',
  day: 'CreateDate UpdateDate',
});

/** How long texts of a payment may be. */
export const MOST_LETTERS: Readonly<Record<string, number>> = {
  TransferReference: 27,
  Remarks: 254,
  JournalRemarks: 50,
  CounterReference: 8,
  Reference2: 8,
};
