/** At the end of a document: release what its money settled, take back what its money left. */
import { ENTITLEMENT_ACTIONS, WORK_ORDER_ACTIONS } from '../automation/release-actions.ts';
import { matchKey } from '../receivables/match-key.ts';
import { keyOf } from './books.ts';
import { type Deciding, nextId, queueDelivery } from './deciding.ts';
import { depositsOn, invoicesOf, workOrdersNamed } from './payment-targets.ts';
import {
  type ActionRow,
  balanceOf,
  type EntitlementRow,
  type InvoiceRow,
  type WorkOrderRow,
} from './rows.ts';

type Standing = {
  readonly settled: boolean;
  /** The newest entry and payment that made it so; undefined when no money did. */
  readonly cause: { readonly entry: bigint; readonly paymentId: bigint } | undefined;
  /** Set when this document took money away. */
  readonly takenBack: { readonly entry: bigint; readonly because: string } | undefined;
};

/** Decides every release that the touched invoices and work orders may have changed, in the order of ids. */
export function settleReleases(ctx: Deciding): void {
  const workOrders = new Map<bigint, WorkOrderRow>();
  const entitlements = new Map<bigint, EntitlementRow>();
  const addEntitlements = (index: 'workOrder' | 'invoice', key: string | null) => {
    if (!key) return;
    for (const row of ctx.books.entitlements.find(index, key)) entitlements.set(row.id, row);
  };
  for (const id of ctx.touched.invoices) {
    const invoice = ctx.books.invoices.get(id);
    if (!invoice) continue;
    for (const row of workOrdersNamed(ctx.books, invoice.workOrder ?? ''))
      workOrders.set(row.id, row);
    addEntitlements('workOrder', invoice.workOrderKey);
    for (const key of new Set([invoice.numberKey, matchKey(invoice.externalId)])) {
      addEntitlements('invoice', key);
    }
  }
  for (const id of ctx.touched.workOrders) {
    const row = ctx.books.workOrders.get(id);
    if (row) workOrders.set(row.id, row);
  }
  for (const row of workOrders.values()) {
    for (const key of new Set([row.numberKey, matchKey(row.externalId)]))
      addEntitlements('workOrder', key);
  }
  for (const row of byId(workOrders)) settleWorkOrder(ctx, row);
  for (const row of byId(entitlements)) settleEntitlement(ctx, row);
}

function settleWorkOrder(ctx: Deciding, row: WorkOrderRow): void {
  const changed = decideRelease(ctx, {
    target: { kind: 'work-order', id: row.id },
    action: WORK_ORDER_ACTIONS[row.kind],
    standing: standingOfWorkOrder(ctx, row),
  });
  if (changed === undefined) return;
  row.released = changed;
  row.updatedSequence = ctx.document.sequence;
  ctx.books.workOrders.put(row);
}

/** A contract, warranty or parts order follows its invoice when it names one, else its work order. */
export function settleEntitlement(ctx: Deciding, row: EntitlementRow): void {
  const changed = decideRelease(ctx, {
    target: { kind: row.kind, id: row.id },
    action: ENTITLEMENT_ACTIONS[row.kind],
    standing: standingOfEntitlement(ctx, row),
  });
  if (changed === undefined) return;
  row.active = changed;
  row.updatedSequence = ctx.document.sequence;
  ctx.books.entitlements.put(row);
}

function standingOfEntitlement(ctx: Deciding, row: EntitlementRow): Standing {
  const { books } = ctx;
  if (row.invoiceKey !== null) {
    const named = [
      ...books.invoices.find('number', row.invoiceKey),
      ...books.invoices.find('externalId', row.invoice ?? ''),
    ];
    return standingOfInvoices(
      ctx,
      [...new Set(named)].filter((invoice) => invoice.status !== 'void'),
    );
  }
  const workOrders = workOrdersNamed(books, row.workOrder ?? '');
  const [first] = workOrders;
  if (first) return standingOfWorkOrder(ctx, first);
  const invoices =
    row.workOrderKey === null ? [] : books.invoices.find('workOrder', row.workOrderKey);
  return standingOfInvoices(
    ctx,
    invoices.filter((invoice) => invoice.status !== 'void'),
  );
}

function standingOfWorkOrder(ctx: Deciding, row: WorkOrderRow): Standing {
  const invoices = invoicesOf(ctx.books, row);
  if (invoices.length > 0) return standingOfInvoices(ctx, invoices);
  const allocations = ctx.books.allocations.find('workOrder', String(row.id));
  const paid =
    row.totalMinor !== null && row.totalMinor > 0n && depositsOn(ctx.books, row) >= row.totalMinor;
  return standing(ctx, [`work-order:${row.id}`], paid, allocations);
}

function standingOfInvoices(ctx: Deciding, invoices: readonly InvoiceRow[]): Standing {
  const allocations = invoices.flatMap((row) =>
    ctx.books.allocations.find('invoice', String(row.id)),
  );
  const paid = invoices.length > 0 && invoices.every((row) => balanceOf(row) === 0n);
  return standing(
    ctx,
    invoices.map((row) => `invoice:${row.id}`),
    paid,
    allocations,
  );
}

function standing(
  ctx: Deciding,
  targets: readonly string[],
  paid: boolean,
  allocations: readonly { amountMinor: bigint; paymentId: bigint; entry: bigint }[],
): Standing {
  const live = allocations.filter((allocation) => allocation.amountMinor > 0n);
  const disputed = live.some(
    ({ paymentId }) => (ctx.books.payments.get(paymentId)?.disputedMinor ?? 0n) > 0n,
  );
  const newest = live.reduce<(typeof live)[number] | undefined>(
    (best, next) => (best === undefined || next.entry > best.entry ? next : best),
    undefined,
  );
  const causes = targets.flatMap((target) => ctx.causes.get(target) ?? []);
  const back = causes
    .filter((cause) => cause.takesBack)
    .sort((a, b) => (a.entry < b.entry ? 1 : -1))[0];
  const regained = causes
    .filter((cause) => !cause.takesBack)
    .sort((a, b) => (a.entry < b.entry ? 1 : -1))[0];
  return {
    settled: paid && !disputed,
    cause: regained ?? newest,
    takenBack: back,
  };
}

/** Returns the new state when it changed: true released, false taken back. */
function decideRelease(
  ctx: Deciding,
  release: {
    readonly target: { readonly kind: ActionRow['targetKind']; readonly id: bigint };
    readonly action: string;
    readonly standing: Standing;
  },
): boolean | undefined {
  const { target, standing: now } = release;
  const { books, document } = ctx;
  const [done] = books.actions.find('standing', keyOf(target.kind, target.id));
  if (now.settled && !done && now.cause) {
    const action: ActionRow = {
      id: nextId(ctx),
      name: release.action,
      targetKind: target.kind,
      targetId: target.id,
      paymentId: now.cause.paymentId,
      entry: now.cause.entry,
      documentId: document.id,
      doneAt: document.appliedAt,
      takenBackAt: null,
      takenBackEntry: null,
      takenBackDocumentId: null,
      takenBackBecause: null,
      updatedSequence: document.sequence,
    };
    books.actions.put(action);
    queueDelivery(ctx, {
      topic: 'payment.released',
      paymentId: action.paymentId,
      subject: `act_${action.id}`,
    });
    ctx.touched.payments.add(action.paymentId);
    return true;
  }
  // Only money that left takes a release back; an invoice that merely grew does not.
  if (!now.settled && done && now.takenBack) {
    done.takenBackAt = document.appliedAt;
    done.takenBackEntry = now.takenBack.entry;
    done.takenBackDocumentId = document.id;
    done.takenBackBecause = now.takenBack.because;
    done.updatedSequence = document.sequence;
    books.actions.put(done);
    queueDelivery(ctx, {
      topic: 'payment.taken_back',
      paymentId: done.paymentId,
      subject: `act_${done.id}`,
    });
    ctx.touched.payments.add(done.paymentId);
    return false;
  }
  return undefined;
}

function byId<Row extends { readonly id: bigint }>(rows: ReadonlyMap<bigint, Row>): readonly Row[] {
  return [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
