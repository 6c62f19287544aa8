/** What a settled work order, contract, warranty or parts order sets free, as data. */

/** The action that each kind of work order waits for. */
export const WORK_ORDER_ACTIONS = {
  service: 'service.release',
  repair: 'repair.approve',
  parts: 'parts.dispatch',
  contract: 'contract.trigger',
  warranty: 'warranty.activate',
} as const;

/** The action for what a paid work order or invoice brings with it. */
export const ENTITLEMENT_ACTIONS = {
  'service-contract': 'contract.trigger',
  warranty: 'warranty.activate',
  'parts-order': 'parts.dispatch',
} as const;
