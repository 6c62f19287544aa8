/** An amount, everywhere the same: exact, with its symbol, in figures of equal width. */
import type { MoneyText } from '../api/payment.ts';
import { formatMoney } from '../format/money.ts';

export function MoneyCell({ money }: { money: MoneyText | null }) {
  if (money === null) return <span className="cv-nothing">–</span>;
  return (
    <span className="cv-money" title={`${money.amount} ${money.currency}`}>
      {formatMoney(money)}
    </span>
  );
}
